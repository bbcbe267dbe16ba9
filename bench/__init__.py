"""Speed, as ratios in one run: `make bench`, or `python -m bench NAME …` for some of it."""
