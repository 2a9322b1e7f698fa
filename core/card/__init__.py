"""Physical and virtual cards, their PIN, loss, release and replacement; code devices and passes."""
