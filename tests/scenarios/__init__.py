"""Whole stories: the sandbox as WeCom, the real app, both databases."""
