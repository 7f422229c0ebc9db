"""The one path of every command: load, decide, append if the version still holds."""
