"""fal: one queue for a thousand endpoints, each with a schema of its own, which is read and not known."""
