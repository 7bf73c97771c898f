"""One file per resource: what each route asks of the services."""
