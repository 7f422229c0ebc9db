"""Imports a history: a project that was kept elsewhere, with the times and the people of all that happened in it."""
