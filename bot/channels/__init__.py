"""One module or package per way in and out; each turns its own words into the records of domain/."""
