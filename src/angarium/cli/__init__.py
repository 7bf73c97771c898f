"""The command line: `angarium serve`, `chat` and the others."""
