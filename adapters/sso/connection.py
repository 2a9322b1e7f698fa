"""A provider with its attribute map and link mode: what the core calls a campus sign-on."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from adapters.sso import api
from adapters.sso.api import STASH_BYTES, Assertion, Callback, Env, SSOError
from adapters.sso.attribute_map import identity_of
from adapters.sso.http import SchoolHttp
from adapters.sso.settings import SignOn
from core.ports.campus_sign_on import (
    CampusIdentity,
    LinkMode,
    LogoutNotice,
    SignOnBegun,
    SignOnFailed,
    SignOnFlow,
    SignOnReturn,
)

WHOLE_SECONDS = 9.5


@dataclass(frozen=True, slots=True)
class Ground:
    """What all providers of a process stand on."""

    once: api.Once
    now: api.Now
    log: api.Log
    entropy: api.Entropy


class Connection:
    """A `core.ports.campus_sign_on.CampusSignOn`; whatever fails is a SignOnFailed."""

    def __init__(self, sign_on: SignOn, env: Env, http: SchoolHttp) -> None:
        self.id = sign_on.id
        self.flow = SignOnFlow(sign_on.provider.flow.upper())
        self.channels = sign_on.channels
        self.label_zh = sign_on.label_zh
        self.label_en = sign_on.label_en
        self.link = sign_on.link
        self.sign_on = sign_on
        self.env = env
        self._provider = sign_on.provider
        self._http = http

    async def begin(self, state: str) -> SignOnBegun:
        """Where the browser goes.

        Raises: SignOnFailed.
        """
        async with _only_failures():
            begun = await self._provider.begin(self.env, state)
            if len(json.dumps(dict(begun.stash)).encode()) >= STASH_BYTES:
                raise api.Misconfigured("the stash of this kind is 4 KiB or more")
            return SignOnBegun(begun.url, begun.stash, begun.form)

    async def finish(self, returned: SignOnReturn) -> CampusIdentity:
        """Who came back.

        Raises: SignOnFailed.
        """
        async with _only_failures():
            return self.mapped(await self._provider.finish(self.env, _callback(returned)))

    async def verify(self, username: str, password: str) -> CampusIdentity:
        """Who has this name and password.

        Raises: SignOnFailed.
        """
        async with _only_failures():
            return self.mapped(await self._provider.verify(self.env, username, password))

    async def exchange(self, code: str) -> CampusIdentity:
        """Who was given this code.

        Raises: SignOnFailed.
        """
        async with _only_failures():
            return self.mapped(await self._provider.exchange(self.env, code))

    async def logout_url(self, session_ref: str, back: str) -> str | None:
        """Where the browser ends the school's session; None if there is no such page.

        Raises: SignOnFailed.
        """
        async with _only_failures():
            return await self._provider.logout_url(self.env, session_ref, back)

    async def logout_notice(self, raw: bytes) -> LogoutNotice | None:
        """What a posted logout says, once verified; None if it is none.

        Raises: SignOnFailed.
        """
        async with _only_failures():
            notice = await self._provider.logout_notice(self.env, raw)
            if notice is None:
                return None
            return LogoutNotice(notice.session_ref, notice.subject)

    async def explain(
        self, returned: SignOnReturn
    ) -> tuple[Mapping[str, Sequence[str]], CampusIdentity]:
        """Who came back, with everything the school released: for a test log-in.

        Raises: SignOnFailed.
        """
        async with _only_failures():
            assertion = await self._provider.finish(self.env, _callback(returned))
            return assertion.attributes, self.mapped(assertion)

    def mapped(self, assertion: Assertion) -> CampusIdentity:
        """What the map keeps of an assertion.

        Raises: SSOError.
        """
        by_number = self.link is LinkMode.PERSON_NO
        mandatory = frozenset({"person_no"} if by_number else ())
        return identity_of(assertion, self.sign_on.map, mandatory)

    async def close(self) -> None:
        """Closes the connections to the school."""
        await self._http.close()


def connect(sign_on: SignOn, school: str, callback_url: str, ground: Ground) -> Connection:
    """The connection of a school's provider; close it when its generation ends.

    `callback_url` is built from the public base URL, is this provider's alone and has no query.
    Raises: Misconfigured (the ca_file).
    """
    http = SchoolHttp(sign_on.reach)
    env = Env(
        school, sign_on.id, callback_url, http, ground.once, ground.now, ground.log, ground.entropy
    )
    return Connection(sign_on, env, http)


@asynccontextmanager
async def _only_failures() -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(WHOLE_SECONDS):
            yield
    except SSOError as error:
        raise SignOnFailed(error.code.upper(), error.hint) from None
    except TimeoutError:
        raise SignOnFailed("UPSTREAM", f"no answer within {WHOLE_SECONDS} s") from None
    except Exception as error:
        hint = f"the kind raised {type(error).__name__}"
        raise SignOnFailed("MISCONFIGURED", hint) from None


def _callback(returned: SignOnReturn) -> Callback:
    return Callback(returned.url, returned.query, returned.form, returned.stash, returned.state)
