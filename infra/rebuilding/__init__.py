"""Rebuilds: the log folded again beside what is served, as jobs that administrators ask for."""
