"""The benches at a small size."""
