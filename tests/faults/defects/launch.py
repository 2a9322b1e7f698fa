"""Starts the product under watch: `python -m tests.faults.defects.launch NAME ...`.

NAME is that of a planted defect with a patch, or `none`.
"""

import sys

from bff.cli.root import app
from tests.faults.bank import witness
from tests.faults.defects.patches import PATCHES

if __name__ == "__main__":
    witness.install()
    PATCHES.get(sys.argv[1], lambda: None)()
    sys.argv[1:] = sys.argv[2:]
    app()
