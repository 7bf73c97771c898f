"""The worker that carries events from the log to the store."""
