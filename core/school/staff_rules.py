"""What logins and passwords may be, who may act, and on whose card."""

import re
from datetime import datetime, timedelta

from core.school.records import (
    LoginInvalid,
    OwnCardExcluded,
    PasswordWeak,
    Role,
    SecondFactorStale,
    StaffCaller,
    StaffMember,
    StaffNotAllowed,
)

SECOND_FACTOR = timedelta(minutes=15)
_LOGIN = re.compile(r"[a-z0-9._-]{2,32}", re.ASCII)
_PASSWORD_LENGTHS = range(12, 129)


def check_login(login: str) -> None:
    """Refuses what cannot be a login.

    Raises: LoginInvalid.
    """
    if not _LOGIN.fullmatch(login):
        raise LoginInvalid("login")


def check_password(login: str, password: str) -> None:
    """Refuses passwords that are guessed first.

    Raises: PasswordWeak.
    """
    guessed = login in password.lower() or len(set(password)) < 5
    if len(password) not in _PASSWORD_LENGTHS or guessed:
        raise PasswordWeak("password")


def check_may(member: StaffMember | None, roles: frozenset[Role]) -> StaffMember:
    """The member, who is active and has one of the roles.

    Raises: StaffNotAllowed.
    """
    if member is None or not member.active or not member.roles & roles:
        raise StaffNotAllowed
    return member


def check_second_factor(caller: StaffCaller, now: datetime) -> None:
    """Refuses a second factor that was given too long ago, or never.

    Raises: SecondFactorStale.
    """
    given_at = caller.second_factor_at
    if given_at is None or now - given_at > SECOND_FACTOR:
        raise SecondFactorStale


def second_factor_until(given_at: datetime | None) -> datetime | None:
    """Until when a second factor counts."""
    return given_at and given_at + SECOND_FACTOR


def check_not_own_card(member: StaffMember, cardholder_number: str | None) -> None:
    """Refuses a money act on the member's own card.

    Raises: OwnCardExcluded.
    """
    if cardholder_number is not None and member.cardholder_number == cardholder_number:
        raise OwnCardExcluded
