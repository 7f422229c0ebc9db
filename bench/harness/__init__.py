"""The harness: instances, load, clients, and one round of everything."""
