"""Who did what to whose card: append-only, each row under a MAC."""
