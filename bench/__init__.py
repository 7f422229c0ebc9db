"""Benchmarks that run Taskledger and its peers in turns, in the same run."""
