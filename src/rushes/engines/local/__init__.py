"""Open weights on this machine, by diffusers: in a child process, so that no worker ever imports torch."""
