"""The embedded engine: an honest storyboard in motion, drawn offline from the words of a prompt."""
