"""Side-by-side benchmarks: our work and that of a peer, in turns, in the same run."""
