"""Folders to put before all others on a contender's path."""
