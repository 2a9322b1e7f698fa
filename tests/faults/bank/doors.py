"""What a phone does to sign in, bind and unbind: the providers' apps on it, a browser, our API.

A try of an operation plays it from its beginning, with fresh codes of the provider: what is good
once is never sent twice but by those who want to know whether it is good twice.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2

from adapters.sandbox.alipay.gateway import APP_ID
from adapters.sandbox.wechat import MINI_APP
from bff.fleet.dice import Dice
from clients.endpoint import Endpoint, Headers, Json, NoAnswer
from core.identity.subjects import challenge_of
from tests.faults.bank.folk import ALIPAY, NATIVE, WECHAT, WECOM
from tests.faults.bank.outside import PAGE, RETURN_TO

OPERATIONS = frozenset(
    {
        "SIGN_IN",
        "MAIL_IN",
        "BIND",
        "REAL_NAME",
        "COMPARE",
        "CONFIRM",
        "SIGN_ON",
        "STEP_UP",
        "UNBIND",
    }
)
DOOR_SECONDS = 9.0
LETTER_SECONDS = 6.0
"""How long a person looks into an inbox before giving up."""
"""A phone waits longer than our own wait for a provider: it is to hear what became of that."""
TURNED_AWAY = {400, 401, 410, 422, 429}
"""What a page of the sign-on may answer and mean it; 503 means later."""
_CODE = re.compile(r"\?code=([\w-]+)")
_APPS = {
    ALIPAY: ("/_wallet/alipay/auth_code", APP_ID),
    WECHAT: ("/_wallet/wechat/login_code", MINI_APP),
}


@dataclass(frozen=True, slots=True)
class Doors:
    """One app process as a phone reaches it: by GraphQL, and `pages` by its browser.

    `outside` asks the providers' servers for what their apps hand out, and the school's page.
    """

    endpoint: Endpoint
    pages: httpx2.AsyncClient
    outside: httpx2.AsyncClient
    dice: Dice

    async def play(self, operation: str, given: Json, token: str) -> Json:
        """The facts of one try.

        Raises: NoAnswer, NotAllowed, QuestionRefused.
        """
        asker = given["network"]
        match operation:
            case "SIGN_IN":
                return await self._sign_in(given, asker)
            case "MAIL_IN":
                return await self._mail_in(given, asker)
            case "REAL_NAME":
                return await self._real_name(given, asker, token)
            case "COMPARE":
                return await self._compare(given, asker, token)
            case "SIGN_ON":
                return await self._sign_on(given, asker, token)
            case "UNBIND":
                return await self._unbind(given, asker, token)
            case "BIND":
                form = {name: given[name] for name in ("name", "number", "pin")}
                made = await self._change("BindingCreate", form, asker, token)
                return _bound(made)
            case "CONFIRM":
                proof = {"pin": given["pin"]} if given.get("pin") else {}
                return _linked(await self._change("BindingConfirm", proof, asker, token))
            case "STEP_UP":
                await self._change("SessionStepUp", {"pin": given["pin"]}, asker, token)
                return {"done": True}
        raise AssertionError(operation)

    async def redeem(self, given: Json, token: str) -> Json:
        """Takes the code of a sign-on that came back. Raises: as `play`."""
        proof = {"code": given["code"], "verifier": given["verifier"]}
        made = await self._change("CampusSignInComplete", proof, given["network"], token)
        return _linked(made)

    async def open(self, path: str, network: str, cookie: str = "") -> httpx2.Response:
        """A page of ours, without following where it leads. Raises: NoAnswer."""
        sent = {"x-forwarded-for": network, **({"cookie": cookie} if cookie else {})}
        try:
            answer = await self.pages.get(path, headers=sent)
        except httpx2.HTTPError as failure:
            raise NoAnswer(type(failure).__name__) from failure
        if answer.status_code >= 500:
            raise NoAnswer(f"HTTP {answer.status_code}")
        return answer

    async def _sign_in(self, given: Json, asker: str) -> Json:
        asked = {"schoolCode": given["school"], "channel": given["channel"]}
        if given["channel"] == WECOM:
            proof = await self._by_page(asked, given["account"], asker)
        else:
            proof = {"code": await self._code(given["channel"], given["account"])}
        used = {**asked, **proof, "deviceLabel": "bank"}
        made = await self._change("ChannelSignIn", used, asker)
        return {**_entered(made), "used": {"document": "ChannelSignIn", "given": used,
                                           "network": asker}}  # fmt: skip

    async def _by_page(self, asked: Json, account: str, asker: str) -> Json:
        """What the channel's own page sends a browser back with. Raises: NoAnswer."""
        verifier = self.dice.bytes(32).hex()
        begin = {**asked, "challenge": challenge_of(verifier), "returnTo": PAGE}
        begun = await self._change("ChannelSignInBegin", begin, asker)
        parts = urlsplit(begun["authoriseUrl"])
        form = {**dict(parse_qsl(parts.query)), "person": account, "decision": "agree"}
        try:
            answer = await self.outside.post(parts.path, data=form)
        except httpx2.HTTPError as failure:
            raise NoAnswer(f"the channel's page: {type(failure).__name__}") from failure
        back = dict(parse_qsl(urlsplit(answer.headers.get("location", "")).query))
        if "code" not in back:
            raise NoAnswer(f"the channel's page: HTTP {answer.status_code}")
        return {"code": back["code"], "state": back["state"], "verifier": verifier}

    async def _mail_in(self, given: Json, asker: str) -> Json:
        """By the code of a letter; with `keeps_code` the facts hold what would be sent.

        Nobody is sent two within a minute, so a second try takes the letter of the first.
        """
        address = {"schoolCode": given["school"], "addressKind": "EMAIL", "address": given["mail"]}
        before = await self._letters(given["mail"])
        await self._change("SignInBegin", address, asker)
        letters, give_up_at = before, monotonic() + LETTER_SECONDS
        while len(letters) == len(before) and monotonic() < give_up_at:
            await asyncio.sleep(0.2)
            letters = await self._letters(given["mail"])
        if not letters:
            return {"refused": "NO_LETTER"}
        used = {"document": "SignInComplete", "network": asker,
                "given": {**address, "code": letters[0], "deviceLabel": "bank"}}  # fmt: skip
        if given.get("keeps_code"):
            return {"done": True, "used": used}
        return {**await self.use(used), "used": used}

    async def use(self, used: Json) -> Json:
        """Signs in by a code, once more if that was done before. Raises: as `play`."""
        return _entered(await self._change(used["document"], used["given"], used["network"]))

    async def install(self, school: str, network: str) -> str:
        """The token of a freshly installed app. Raises: as `play`."""
        asked = {"schoolCode": school, "deviceLabel": "bank"}
        made = await self._change("InstallationCreate", asked, network)
        token: str = made["tokens"]["accessToken"]
        return token

    async def _letters(self, mail: str) -> list[str]:
        """The codes in an inbox, the newest first. Raises: NoAnswer."""
        try:
            answer = await self.outside.get("/mailbox", params={"to": mail})
            return [letter["code"] for letter in answer.json() if letter["code"]]
        except (httpx2.HTTPError, ValueError) as failure:
            raise NoAnswer(f"the inbox: {type(failure).__name__}") from failure

    async def _real_name(self, given: Json, asker: str, token: str) -> Json:
        code = await self._code(ALIPAY, given["account"], scopes=["auth_user"])
        asked = {"authCode": code, "number": given.get("number")}
        return _linked(await self._change("RealNameMatch", asked, asker, token))

    async def _compare(self, given: Json, asker: str, token: str) -> Json:
        number = {"number": given["number"]}
        await self._change("RealNameCompareBegin", number, asker, token)
        code = await self._code(ALIPAY, given["account"], scopes=["id_verify"])
        return _linked(await self._change("RealNameCompare", {"authCode": code}, asker, token))

    async def _sign_on(self, given: Json, asker: str, token: str) -> Json:
        """From our start address to the school's page and back to a code, and the code to us.

        With `keeps_code` it stops there: the facts hold the code.
        """
        verifier = self.dice.bytes(32).hex()
        back_to = PAGE if given["channel"] in {WECOM, NATIVE} else RETURN_TO
        asked = {"provider": "cas", "challenge": challenge_of(verifier), "returnTo": back_to}
        begun = await self._change("CampusSignInBegin", asked, asker, token)
        start = urlsplit(begun["startUrl"]).path
        opened = await self.open(start, asker)
        if opened.status_code in TURNED_AWAY:
            return {"refused": f"PAGE_{opened.status_code}"}
        cookie = opened.headers["set-cookie"].partition(";")[0]
        callback = await self._logged_in(opened.headers["location"], given["login"])
        back = await self.open(callback, asker, cookie)
        if back.status_code in TURNED_AWAY:
            return {"refused": f"PAGE_{back.status_code}"}
        found = _CODE.search(back.headers.get("location", "") or back.text)
        if found is None:
            return {"refused": "PAGE_WITHOUT_CODE"}
        kept = {"start": start, "callback": callback, "cookie": cookie, "code": found[1],
                "verifier": verifier, "network": asker}  # fmt: skip
        if given.get("keeps_code"):
            return {"done": True, "kept": kept}
        return {**await self.redeem(kept, token), "kept": kept}

    async def _logged_in(self, url: str, login: str) -> str:
        """Where the school's page sends the browser back to. Raises: NoAnswer."""
        try:
            answer = await self.outside.post(url, data={"username": login})
        except httpx2.HTTPError as failure:
            raise NoAnswer(type(failure).__name__) from failure
        if answer.status_code != 303:
            raise NoAnswer(f"the school's page: HTTP {answer.status_code}")
        parts = urlsplit(answer.headers["location"])
        return f"{parts.path}?{parts.query}"

    async def _unbind(self, given: Json, asker: str, token: str) -> Json:
        """Ends the binding of the channel it signed in by."""
        data = await self.endpoint.ask("Devices", {}, _headers(token, asker))
        holder = data["viewer"]["cardholder"]
        listed = holder["bindings"] if holder else []
        own = [each["id"] for each in listed if each["channel"] == given["channel"]]
        if not own:
            return {"refused": "NOT_BOUND"}
        await self._change("BindingEnd", {"bindingId": own[0]}, asker, token)
        return {"done": True}

    async def _code(self, channel: str, account: str, **more: Sequence[str]) -> str:
        """What the provider's app hands out. Raises: NoAnswer."""
        path, app_id = _APPS[channel]
        try:
            asked = {"person": account, "app_id": app_id, **more}
            answer = await self.outside.post(path, json=asked)
            return str(answer.json()["code"])
        except (httpx2.HTTPError, ValueError, KeyError) as failure:
            raise NoAnswer(f"the provider's app: {type(failure).__name__}") from failure

    async def _change(self, document: str, given: Json, asker: str, token: str = "") -> Json:
        field = document[0].lower() + document[1:]
        return await self.endpoint.change(document, field, given, _headers(token, asker))


def _headers(token: str, network: str) -> Headers:
    def made(_body: bytes) -> Mapping[str, str]:
        asker = {"x-forwarded-for": network}
        return {**asker, "authorization": f"Bearer {token}"} if token else asker

    return made


def _entered(made: Json) -> Json:
    return {"done": True, "token": made["tokens"]["accessToken"], "kind": made["viewerKind"]}


def _bound(made: Json) -> Json:
    number = made["cardholder"]["number"]
    return {"done": True, "number": number, "token": made["tokens"]["accessToken"]}


def _linked(made: Json) -> Json:
    """What a proof came to."""
    link: dict[str, Any] = made["link"]
    facts = {"done": True, "step": link["step"], "choices": link["choices"]}
    if link["tokens"]:
        return {**facts, "token": link["tokens"]["accessToken"],
                "number": link["cardholder"]["number"]}  # fmt: skip
    return facts
