"""The rows of cards, PINs, code devices and passes."""
