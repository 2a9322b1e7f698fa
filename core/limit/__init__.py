"""Single and daily limits, the day's spending, and when a PIN is needed."""
