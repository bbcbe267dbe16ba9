"""Child processes: the one protocol for all of them."""
