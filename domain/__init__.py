"""The words of the house: records, errors and ports. Imports nothing of ours (docs/architecture.md)."""
