"""Models as data: what each can do, what it costs. Checks and prices a request without importing any SDK."""
