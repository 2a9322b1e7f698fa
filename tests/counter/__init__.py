"""Our bytes beside those of independent implementations; run by `make counterchecks`."""
