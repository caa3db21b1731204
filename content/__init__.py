"""The company's words and what is read from them: entries, fixed replies, signals, wording rules.

A Python package and, beside it, the shipped TOML. Pure: reads files when asked to, never the network or the
store.
"""
