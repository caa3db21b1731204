"""The doors of the house: callbacks, health, figures, the ownership file."""
