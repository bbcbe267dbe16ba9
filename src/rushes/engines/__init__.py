"""One file, or room, per protocol. No engine knows another."""
