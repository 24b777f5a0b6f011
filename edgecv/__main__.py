"""``python -m edgecv``: the command line."""

import sys

from edgecv.cli.start import main

if __name__ == "__main__":
    sys.exit(main())
