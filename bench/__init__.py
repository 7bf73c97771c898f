"""Measurements: what the service does in a second, how long a caller
waits, and what it costs.
"""
