"""Angarium: a messaging backend of an HTTP API, a log and a store."""

__version__ = "0.1.0"
