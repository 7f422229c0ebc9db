"""Tests of commands: what each does, and when it is refused."""
