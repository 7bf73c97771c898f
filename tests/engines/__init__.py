"""Real servers for the tests: Kafka and Cassandra as plain processes on
this machine.
"""
