"""What we have made: clips and their files on disk, each beside a sidecar that tells what it is."""
