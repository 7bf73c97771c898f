"""A live conversation: sends lines in order and shows messages."""

from angarium.cli.chat.command import register

__all__ = ["register"]
