"""What is measured, a file a question."""
