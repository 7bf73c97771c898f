"""Export and import: everything that matters, as lines of JSON.

The decision: docs/adr/0027.
"""
