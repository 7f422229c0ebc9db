"""Generates the reference page: every event, command, route, error and setting, read from the code."""
