"""Merchant codes: what a payer scans, and its payment."""
