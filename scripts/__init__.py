"""What developers run: set-up, checks, and the reference page."""
