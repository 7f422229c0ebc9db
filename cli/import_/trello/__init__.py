"""Reads the export of a Trello board: its actions as intentions, and what its snapshot has besides."""
