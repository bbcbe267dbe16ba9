"""OpenRouter: many models behind one key and one body."""
