"""The harness: instances, load generators, clients, and one round of all scenarios."""
