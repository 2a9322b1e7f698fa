"""Use cases of meters and of water."""
