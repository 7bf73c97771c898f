"""Running the service under Compose on one machine, and checking it."""
