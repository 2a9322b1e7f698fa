"""Signing in, sessions, and proving more than a token."""
