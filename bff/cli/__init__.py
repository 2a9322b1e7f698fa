"""The command line, `python -m bff …`: what operators and school IT do by hand."""
