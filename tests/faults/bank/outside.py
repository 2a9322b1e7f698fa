"""Everything outside the school's network: the pretend providers, the school's own sign-on, links.

The sandbox makes its keys, codes and people at start, which no real provider does: one that is
killed and started again would be another provider, and the school's settings false for ever. So
the process itself is only stopped for a while; its link plays that it is gone, and back as it was.
"""

import asyncio
import os
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import httpx2
import psutil

from bff.demo.process import free_port
from bff.fleet.proxy import Proxy
from tests.contract.sso.cas_server import CasServer
from tests.contract.sso.serving import serve
from tests.faults.bank.folk import ALIPAY, NATIVE, SIGN_ON, WECHAT, WECOM, Folk
from tests.faults.bank.processes import Child

RETURN_TO = "/pages/after"
PAGE = "https://school.example/after"
"""Where a channel that is a browser, and an installed app, are led back to."""
SMS_KEY_ID, SMS_SECRET = "bank-test", "a secret of at least thirty-two bytes"
PROVIDERS = ("alipay", "wechat", "wecom")
READY_SECONDS = 30
_SECRETS = {
    "alipay": ("app_private_key", "alipay_public_key", "aes_key"),
    "wechat": ("mini_app_secret",),
    "wecom": ("secret",),
}


class OutsideFault(Exception):
    """The providers could not be started."""


class Outside:
    """The sandbox and the sign-on, each behind a link of its own: `provider` and `campus`."""

    def __init__(
        self, home: Path, loop: asyncio.AbstractEventLoop, stack: ExitStack, public_url: str
    ) -> None:
        self._home = home
        port, self._smtp_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.sandbox = Child(
            "sandbox",
            ["-m", "adapters.sandbox", "--port", str(port), "--smtp-port", str(self._smtp_port),
             "--sms-key-id", SMS_KEY_ID, "--sms-secret", SMS_SECRET, "--mode", "strict"],
            dict(os.environ),  # noqa: TID251 - children get the same interpreter's world
            home / "sandbox.log",
        )  # fmt: skip
        stack.callback(self.sandbox.kill)
        self.sandbox.start()
        # It is asked in plain HTTP: reading the trust store would be for nothing.
        self._http = stack.enter_context(
            httpx2.Client(base_url=self.url, trust_env=False, verify=False, timeout=10)
        )
        self._cas = CasServer(services=(f"{public_url}/sso/",), pupils={})
        campus = stack.enter_context(serve(self._cas.application()))
        self.links = {
            "provider": Proxy(loop, port),
            "campus": Proxy(loop, httpx2.URL(campus).port or 0),
        }
        self._credentials: dict[str, dict[str, str]] = {}

    @property
    def environment(self) -> dict[str, str]:
        """How the worker reaches people."""
        return {
            "BFF_MAIL_URL": f"smtp://127.0.0.1:{self._smtp_port}",
            "BFF_MAIL_SENDER": "card@school.example",
            "BFF_SMS_URL": self.url,
            "BFF_SMS_KEY_ID": SMS_KEY_ID,
            "BFF_SMS_SECRET": SMS_SECRET,
        }

    def wait(self) -> None:
        """Until the sandbox answers; its secrets are files then.

        Raises: OutsideFault.
        """
        give_up_at = time.monotonic() + READY_SECONDS
        while not self._answers():
            if time.monotonic() > give_up_at or not self.sandbox.is_running:
                raise OutsideFault(f"the sandbox does not answer: {self.sandbox.log_tail()}")
            time.sleep(0.1)
        self._credentials = self._http.get("/_credentials").json()
        for provider, names in _SECRETS.items():
            for name in names:
                self._secret(provider, name).write_text(self._credentials[provider][name])

    def _answers(self) -> bool:
        try:
            return self._http.get("/_people").status_code == 200
        except httpx2.HTTPError:
            return False

    def _secret(self, provider: str, name: str) -> Path:
        return self._home / f"{provider}_{name}.secret"

    @property
    def secrets(self) -> list[str]:
        """What the school's files refer to."""
        return [
            self._credentials[provider][name]
            for provider, names in _SECRETS.items()
            for name in names
        ]

    @property
    def issuers(self) -> dict[str, str]:
        """What vouches, by channel."""
        return {
            ALIPAY: f"alipay:{self._credentials['alipay']['app_id']}",
            WECHAT: f"wechat:{self._credentials['wechat']['mini_app_id']}",
            WECOM: f"wecom:{self._credentials['wecom']['corp_id']}",
            NATIVE: "native:email",
            SIGN_ON: f"sso:{self._server}",
        }

    @property
    def _server(self) -> str:
        return f"http://127.0.0.1:{self.links['campus'].port}/cas"

    def tables(self, school_id: int) -> str:
        """The tables of a school's file."""
        at = f"http://127.0.0.1:{self.links['provider'].port}"
        alipay, wechat = self._credentials["alipay"], self._credentials["wechat"]
        wecom = self._credentials["wecom"]

        def secret(provider: str, name: str) -> str:
            return f'"${{file:{self._secret(provider, name)}}}"'

        return f"""
[capability.alipay]
real_name = true
[channel.alipay_mini]
app_id = "{alipay["app_id"]}"
gateway = "{at}{alipay["gateway"]}"
notify_url = "https://school.example/notify/alipay/{school_id}"
app_private_key = {secret("alipay", "app_private_key")}
alipay_public_key = {secret("alipay", "alipay_public_key")}
aes_key = {secret("alipay", "aes_key")}
return_to = ["{RETURN_TO}"]
[channel.wechat_mini]
app_id = "{wechat["mini_app_id"]}"
app_secret = {secret("wechat", "mini_app_secret")}
api_base = "{at}"
return_to = ["{RETURN_TO}"]
[channel.wecom]
corp_id = "{wecom["corp_id"]}"
agent_id = {wecom["agent_id"]}
secret = {secret("wecom", "secret")}
api_base = "{at}"
page_base = "{self.url}"
return_to = ["{PAGE}"]
[channel.native]
return_to = ["{PAGE}"]
[[sso]]
id = "cas"
kind = "cas"
channels = ["ALIPAY_MINI", "WECHAT_MINI", "WECOM", "NATIVE"]
label = {{ zh = "统一身份认证", en = "Campus sign-on" }}
server = "{self._server}"
[sso.map]
subject = "$subject"
person_no = "employeeNumber"
name = "cn"
[sso.link]
mode = "person_no"
"""

    def admit(self, folk: Folk) -> None:
        """Everybody has a wallet and a chat account, and those of the register a campus log-in."""
        self._cas.pupils = {
            each.id: each.pupil for each in (*folk.persons, *folk.victims) if each.numbers
        }
        people = [
            {
                "id": account.id,
                "name": account.name,
                "id_number": account.id_number,
                "phone": account.phone,
                "email": account.email,
                "userid": account.userid,
                "member_of": account.member_of,
            }
            for person in folk.all()
            for account in person.accounts()
        ]
        assert self._http.put("/_people", json=people).status_code == 200

    def switch(self, providers: Sequence[str], kind: str) -> None:
        """Turns a fault on, for every call."""
        for provider in providers:
            asked = {"provider": provider, "api": "*", "kind": kind, "count": -1}
            assert self._http.put("/_faults", json=asked).status_code == 200

    def mend(self) -> None:
        """Everything in working order; what was held up goes on."""
        self._http.delete("/_faults")

    def exchanges(self) -> int:
        """How many calls there were so far."""
        trace = self._http.get("/_trace").json()
        return int(trace[-1]["number"]) if trace else 0

    def stall(self, seconds: float) -> None:
        """SIGSTOP of the sandbox."""
        process = psutil.Process(self.sandbox.pid)
        process.suspend()
        time.sleep(seconds)
        process.resume()

    def failures(self) -> list[str]:
        """What the strict sandbox would not take from us."""
        found: list[str] = self._http.get("/_failures").json()
        return found
