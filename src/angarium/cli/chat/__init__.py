"""A live conversation: lines go out in order, messages come in as they
are stored.
"""

from angarium.cli.chat.command import register

__all__ = ["register"]
