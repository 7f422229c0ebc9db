"""One file a noun: its routes, each a command or a question."""
