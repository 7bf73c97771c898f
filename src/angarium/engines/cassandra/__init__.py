"""The stores on Cassandra, by cassandra-driver."""
