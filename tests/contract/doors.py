"""The two ways to sign in that a door may have."""

from core.ports.channels import CodeSignIn, Door


def by_app(door: Door) -> CodeSignIn:
    """By the code of the mini-program's log-in."""
    assert door.sign_in is not None
    return door.sign_in


def by_page(door: Door) -> CodeSignIn:
    """By the code that the page came back with."""
    assert door.page_sign_in is not None
    return door.page_sign_in
