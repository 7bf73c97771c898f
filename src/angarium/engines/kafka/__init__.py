"""A distributed log: Kafka, through kafka-python."""
