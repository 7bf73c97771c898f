"""What leans on private parts of the Cassandra driver: one file a
patch.
"""
