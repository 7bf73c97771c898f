"""What needs private parts of the Cassandra driver."""
