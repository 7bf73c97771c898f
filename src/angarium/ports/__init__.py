"""What the application needs from its engines, as protocols.

Each states its promises, time limits and errors; one contract suite
checks them for every engine (docs/adr/0004).
"""
