"""The engine for Sora on the web: a signed-in browser of one's own asks the site as a person would."""
