"""The HTTP server: connections, threads and bytes, but no routes."""
