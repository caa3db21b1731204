"""Customers given to people: who gets them, which moves are made, what happens when nobody answers."""
