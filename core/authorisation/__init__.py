"""Authorise, capture, void and refund: what terminals ask and are answered."""
