"""Cardholders and the roster they come from; bindings, matching, sessions and consent."""
