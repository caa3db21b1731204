"""The database: what is kept, and the functions that read and write it.

tables.py describes; database.py opens; every other module holds the functions of one subject, `(tx, …)` in,
records of domain/ out. The caller owns the transaction.
"""
