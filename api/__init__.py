"""The HTTP API: decodes requests, executes commands and queries, and encodes the responses."""
