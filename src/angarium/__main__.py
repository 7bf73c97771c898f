"""Run the command line with `python -m angarium`."""

import sys

from angarium.cli.main import main

sys.exit(main())
