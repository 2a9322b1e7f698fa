"""A counter that can sell without a network: documents and codes of the pretended school."""

from typing import Any

from clients.device_key import public_key
from core.school.records import DeniedKind
from terminals import cc1, deny, parameters
from terminals.cc1 import Flags, Intent, Kind
from terminals.documents import DocumentKind
from terminals.keys import signer
from tests.factories.offline import PARAMETERS
from tests.unit.clients.conftest import Counter
from tests.unit.clients.pretend_keys import PASS_SEED, school_document
from tests.unit.clients.pretend_server import ISSUER, NOW

DEVICE_SEED = b"\x33" * 32
SITE = 1
OPEN = PARAMETERS.model_copy(
    update={
        "sites": [
            parameters.SiteTerminals(site_no=SITE, name_zh="楼", name_en="Hall", terminals=[42])
        ]
    }
)


def code(cap_tag: int = 1, at: int = NOW, intent: int = Intent.PAY, **changes: Any) -> str:
    """What a phone shows; each capTag is another holder."""
    facts: dict[str, Any] = {
        "issuer": ISSUER,
        "kid": 4,
        "kind": Kind.VIRTUAL_CARD,
        "cap_tag": cap_tag,
        "pass_no": 1,
        "not_before": NOW - 3_600,
        "ttl": 96,
        "cap_class": 1,
        "flags": Flags.PAY,
        "mask": 1 << SITE,
        "device_key": public_key(DEVICE_SEED),
        "sign": signer(PASS_SEED),
    }
    facts |= changes
    signed = cc1.issue_pass(**facts)
    return cc1.show(signed, at - facts["not_before"], Intent(intent), signer(DEVICE_SEED))


def serial(cap_tag: int) -> bytes:
    """The serial of the pass with this capTag."""
    return cap_tag.to_bytes(4) + (1).to_bytes(2)


def publish(counter: Counter, version: int = 7, **changes: Any) -> None:
    """The school publishes parameters."""
    content = parameters.write(OPEN.model_copy(update=changes))
    counter.server.documents.append(school_document(DocumentKind.PARAMETERS, version, content))


def publish_deny(
    counter: Counter, version: int, *cap_tags: int, base: int = 0, until: int = NOW + 90_000
) -> None:
    """The school publishes a deny list, or changes to one."""
    lines = ((DeniedKind.SERIAL, serial(tag), until) for tag in cap_tags)
    publish_lines(counter, version, deny.added(lines), base)


def publish_lines(counter: Counter, version: int, entries: list[deny.Entry], base: int = 0) -> None:
    """The same with any lines."""
    content = deny.write(deny.Change(base, entries))
    counter.server.documents.append(school_document(DocumentKind.DENY, version, content))


async def prepare(counter: Counter, **changes: Any) -> None:
    """The till fetches what it needs; afterwards the network fails on every sale."""
    publish(counter, **changes)
    await counter.till.line.set_clock()
    await counter.till.line.set_clock()
    cut(counter)


def cut(counter: Counter, fault: str = "LOSE_REQUEST", *also: str) -> None:
    """No answer comes to sales, nor to `also`."""
    names = {"PurchaseAuthorise", "PurchaseStatus", "PurchaseVoid", *also}
    counter.server.fault = lambda operation: fault if operation in names else None


def restore(counter: Counter) -> None:
    """The network is back."""
    counter.server.fault = lambda _operation: None
