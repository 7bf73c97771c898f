"""The nouns and rules of messaging, on the standard library alone."""
