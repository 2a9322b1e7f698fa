"""The demo's outside world: the sandbox, where every provider and some of the people live."""

import asyncio
import secrets
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx2

from bff.demo.doors import Credentials
from bff.demo.place import Place
from bff.demo.process import Child, free_port
from core.identity.records import RosterRow

START_SECONDS = 30


class OutsideSilent(Exception):
    """The sandbox gave no answer in `START_SECONDS`, or refused what a person does there."""


@dataclass(frozen=True, slots=True)
class Outside:
    """Where mail, messages and every provider are reached."""

    url: str
    smtp_port: int
    child: Child
    sms_secret: str = field(repr=False)

    async def credentials(self) -> Credentials:
        """What each provider hands to its customers, once it is up.

        Raises: OutsideSilent, ChildEnded.
        """
        async with httpx2.AsyncClient(base_url=self.url) as http:
            give_up_at = time.monotonic() + START_SECONDS
            while time.monotonic() < give_up_at:
                self.child.check()
                try:
                    found: Credentials = (await http.get("/_credentials")).json()
                except httpx2.HTTPError:
                    await asyncio.sleep(0.1)
                else:
                    return found
        raise OutsideSilent("sandbox")

    async def settle(self, people: Iterable[RosterRow], corp_id: str) -> None:
        """Gives people a wallet, a chat account and a seat in the school's WeCom.

        Raises: OutsideSilent.
        """
        facts = [
            {
                "id": person.number,
                "name": person.name,
                "id_number": person.id_number or "",
                "phone": person.phone or "",
                "email": person.email or "",
                "userid": person.number,
                "member_of": [corp_id],
            }
            for person in people
        ]
        async with httpx2.AsyncClient(base_url=self.url) as http:
            if (await http.put("/_people", json=facts)).is_error:
                raise OutsideSilent("/_people")

    async def alipay_code(self, person: str, app_id: str) -> str:
        """What `my.getAuthCode` gives the mini-program when this person opens it.

        Raises: OutsideSilent.
        """
        path = "/_wallet/alipay/auth_code"
        async with httpx2.AsyncClient(base_url=self.url) as http:
            answer = await http.post(path, json={"person": person, "app_id": app_id})
        if answer.is_error:
            raise OutsideSilent(path)
        return str(answer.json()["code"])


@contextmanager
def outside(place: Place) -> Iterator[Outside]:
    """The sandbox as a process of its own; not yet up."""
    port, smtp_port, secret = free_port(), free_port(), secrets.token_hex(16)
    arguments = (
        "adapters.sandbox",
        *("--port", str(port), "--smtp-port", str(smtp_port), "--sms-secret", secret),
    )
    with Child("sandbox", arguments, {}, place.log("sandbox")) as child:
        try:
            yield Outside(f"http://127.0.0.1:{port}", smtp_port, child, secret)
        finally:
            child.ask_to_stop()
