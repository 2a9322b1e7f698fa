"""Accounts, immutable transfers, balances and statement lines."""
