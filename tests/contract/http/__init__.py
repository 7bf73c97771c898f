"""The HTTP contract, held against every service."""
