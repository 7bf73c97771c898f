"""The command line: `angarium serve`, `angarium chat` and the
others.
"""
