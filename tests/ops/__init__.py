"""Tests of the settings, the command line and what operators do."""
