"""Clips played in real browsers: Chromium, and WebKit, which is what Safari is made of."""
