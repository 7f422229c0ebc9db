"""The scenarios of `docs/performance.md`: what each measures, and its targets; one module per scenario."""
