"""Angarium: a messaging backend that walks HTTP, a log, a worker and a
store.
"""

__version__ = "0.1.0"
