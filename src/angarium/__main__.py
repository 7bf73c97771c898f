"""Run the command line with `python -m angarium`."""

import sys

from angarium.cli.entry import main

sys.exit(main())
