"""The reference terminal: codes, keys, a journal, and a network that may fail at any step."""
