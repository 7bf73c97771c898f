"""What leans on private parts of kafka-python: one file a patch."""
