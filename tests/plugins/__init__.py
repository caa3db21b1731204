"""Fixtures and rules of the test run, one file per subject. Loaded by tests/conftest.py."""
