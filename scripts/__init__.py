"""Scripts for developers: setup, checks, and the generated documentation."""
