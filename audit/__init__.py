"""The quality audit: cutting talks into sessions, judging them, and what people make of it.

Pure where it judges; audit/running.py reads and writes. Called by bot (loops, commands) and console (pages). Imports
content, store and domain; scheduler is a sibling and stays out.
"""
