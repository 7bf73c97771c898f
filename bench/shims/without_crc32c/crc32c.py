"""Stands in front of the optional package, so that kafka-python does
without it.
"""

raise ImportError("left out for this measurement")
