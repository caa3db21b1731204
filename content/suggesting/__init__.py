"""Suggested replies: what is asked in a talk, what may answer it, in which order. Pure; see docs/suggestions.md."""
