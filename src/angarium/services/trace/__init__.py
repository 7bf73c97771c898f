"""The journey of one message, read from the log and the store."""
