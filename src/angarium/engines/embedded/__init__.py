"""The log and the stores on one SQLite file."""
