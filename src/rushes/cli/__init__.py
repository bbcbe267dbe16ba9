"""The terminal's door: words in, Studio calls, words out."""
