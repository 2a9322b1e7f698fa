"""Balances, statements and what became of a payment."""
