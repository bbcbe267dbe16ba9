"""One module per setting: each draws its layers from far to near."""
