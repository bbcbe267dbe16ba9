"""How work survives. `pipeline.py` is the story; start there."""
