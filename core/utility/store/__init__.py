"""The rows of meters, reservations and runs."""
