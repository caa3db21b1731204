"""The sandbox: a pretend WeCom in a process of its own.

It speaks the published protocol with its limits, error codes and expiries, so that the product can be tried and
tested without a corp account. It is written without a line of the product's code: two writings check each other.
"""
