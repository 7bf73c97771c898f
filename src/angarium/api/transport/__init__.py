"""Bytes and threads: requests read off connections, answers written
back; it knows no route.
"""
