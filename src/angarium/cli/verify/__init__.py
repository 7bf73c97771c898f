"""`angarium verify`: writes with a ledger of every promise, then reads
back and compares.
"""

from angarium.cli.verify.command import register as register
