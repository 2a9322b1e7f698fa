"""Use cases of doors and passages."""
