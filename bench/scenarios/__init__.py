"""The works of `docs/performance.md`: what is measured, and what must come of it, one module each."""
