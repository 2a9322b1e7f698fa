"""Use cases of cards, PINs, code devices and codes, one module each."""
