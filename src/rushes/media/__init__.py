"""The only room that knows PyAV: probe, lint, repair, sheet, encode."""
