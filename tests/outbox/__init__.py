"""Tests of what staff and groups get: mass sends, cards, chats, welcome templates, files."""
