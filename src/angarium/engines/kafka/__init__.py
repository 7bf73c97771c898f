"""The log on Kafka, by kafka-python."""
