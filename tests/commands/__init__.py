"""What may be asked, and when the answer is yes."""
