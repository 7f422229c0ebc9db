"""What can happen, and what it means."""
