"""The tests. Shared fixtures are in tests/plugins; docs/testing.md says how to run and write tests."""
