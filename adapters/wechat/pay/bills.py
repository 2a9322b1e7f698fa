"""The bill of a day's trades (6.5): its address is signed, the file is not, so its hash counts."""

import hashlib
import hmac
from datetime import date
from urllib.parse import urlsplit

from adapters.http import AnswerMissing
from adapters.wechat.pay.client import V3
from adapters.wechat.pay.wire import AnswerOdd, Facts, text_in
from core.ports.providers import Done, Outcome, Unknown

PATH = "/v3/bill/tradebill"
BILL_SECONDS = 60.0
BILL_MAXIMUM = 256 * 1_048_576


async def trade_bill(v3: V3, day: date) -> Outcome[bytes]:
    """The day's file as WeChat wrote it, amounts in yuan; there from 10:00 of the next day.

    Raises: NothingSent, ProviderThrottled, ProviderMisconfigured.
    """

    def read(facts: Facts) -> Outcome[tuple[str, str]]:
        if facts.get("hash_type") != "SHA1":
            raise AnswerOdd("hash_type")
        return Done((text_in(facts, "download_url"), text_in(facts, "hash_value")))

    listed = await v3.ask("GET", PATH, read, query={"bill_date": day.isoformat()})
    if not isinstance(listed, Done):
        return listed
    return await _downloaded(v3, *listed.fact)


async def _downloaded(v3: V3, address: str, digest: str) -> Outcome[bytes]:
    parts = urlsplit(address)
    # Wherever the address points to, only our provider is asked for it.
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    try:
        answer = await v3.exchange("GET", target, b"", BILL_SECONDS, BILL_MAXIMUM)
    except AnswerMissing as missing:
        return Unknown(str(missing))
    if answer.status != 200:
        return Unknown(f"HTTP {answer.status}")
    found = hashlib.sha1(answer.body).hexdigest()  # noqa: S324 - the provider's own choice
    if not hmac.compare_digest(found.encode(), digest.lower().encode()):
        return Unknown("a file with another hash")
    return Done(answer.body)
