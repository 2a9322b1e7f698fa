"""Real servers of the sign-on protocols, run beside ours by `make sso-lab`."""
