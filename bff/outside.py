"""What of other companies the process is wired to: channels, campus sign-ons, their notices."""

from typing import Protocol

from core.ports.campus_sign_on import CampusSignOns
from core.ports.channels import Doors
from core.ports.notices import NoticeReaders


class Outside(Protocol):
    """The channels and campus sign-ons of every school."""

    @property
    def doors(self) -> Doors:
        """The channels."""
        ...

    @property
    def sign_ons(self) -> CampusSignOns:
        """The campus sign-ons."""
        ...

    @property
    def notices(self) -> NoticeReaders:
        """Who reads what their providers post."""
        ...

    async def close(self) -> None:
        """Closes the connections to all of them."""
        ...
