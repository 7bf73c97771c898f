"""Export and import: everything that matters, as lines of JSON."""
