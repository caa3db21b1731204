"""Tests of the WeCom channel; edge.py is the other end of the wire for them."""
