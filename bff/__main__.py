"""Runs the command line."""

from bff.cli.root import app

app()
