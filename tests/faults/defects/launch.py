"""Starts the product with one planted defect: `python -m tests.faults.defects.launch NAME ...`."""

import sys

from bff.cli.root import app
from tests.faults.defects.patches import PATCHES

if __name__ == "__main__":
    PATCHES[sys.argv[1]]()
    sys.argv[1:] = sys.argv[2:]
    app()
