"""The service on one machine under Compose: what runs it, and what
shows that it runs.
"""
