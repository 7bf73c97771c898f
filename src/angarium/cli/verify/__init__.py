"""`angarium verify`: writes messages, reads them back, compares."""

from angarium.cli.verify.command import register as register
