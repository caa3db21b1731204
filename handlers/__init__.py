"""What the house decides when something happens. A handler returns a Reply; it sends nothing and writes nothing."""
