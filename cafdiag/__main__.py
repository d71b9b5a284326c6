"""``python -m cafdiag``."""

import sys

from cafdiag.cli import principal

if __name__ == "__main__":
    sys.exit(principal())
