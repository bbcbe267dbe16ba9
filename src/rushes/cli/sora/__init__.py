"""`rushes sora …`: the commands of the Sora web engine."""
