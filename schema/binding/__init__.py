"""Linking a sign-in to a cardholder, and ending the link."""
