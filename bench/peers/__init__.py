"""The same calls built with other means, as their users would write
them for speed.
"""
