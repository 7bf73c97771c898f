"""Tokens and passwords: PyJWT and scrypt."""
