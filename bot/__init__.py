"""The program: composition root, doors, settings and channels. Nothing here is constructed at import."""
