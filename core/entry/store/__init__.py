"""The rows of doors, rights and passages."""
