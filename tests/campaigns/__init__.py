"""What runs by hand: hours of it, not seconds."""
