"""Measurements and trials of the whole program: `python -m bench.<name>`, figures in docs/testing.md#benches."""
