"""A file a noun: what each route asks of the services."""
