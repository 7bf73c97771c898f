"""Compares the store with the log that explains it.

How it can be right while everything moves: docs/adr/0026.
"""
