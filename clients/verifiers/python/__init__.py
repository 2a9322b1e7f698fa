"""The reader in Python: `verify.py`, one file that needs nothing of the rest."""
