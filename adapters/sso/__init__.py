"""A school's own sign-on: kinds of provider behind one plug-in interface (api.py)."""
