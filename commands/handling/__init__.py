"""The path of every command: load, decide, append if the versions still hold."""
