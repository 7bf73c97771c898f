"""What the application asks of its engines: protocols, their promises
and their errors.
"""
