"""The funding plan: which purses pay for an instrument in each state of the network.

One pure function of the school, the instrument and the network (terminals.md 5), shipped as a table
in the parameters, so that till, edge and server agree (M-053, M-054).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from core.school.policy import Policy
from core.school.policy_words import Instrument, PurseModel
from terminals import codes
from terminals.cc1 import Kind
from terminals.codes import CodeRefusal

RESERVE = "RESERVE"
"""Set aside when the pass was issued: it pays first for what was taken without a line."""
CHIP = "CARD"
"""On the chip: what a physical card spends where chips hold money of their own."""
ALONE = frozenset({Instrument.PHYSICAL, Instrument.VIRTUAL})
"""What a terminal can take by its own documents (M-054); an edge takes codes alone."""

_CARDS = (Instrument.PHYSICAL, Instrument.VIRTUAL, Instrument.CAMPUS)
KINDS: Mapping[str, tuple[Kind, ...]] = {
    Instrument.VIRTUAL: (Kind.VIRTUAL_CARD, Kind.DELEGATE),
    Instrument.CAMPUS: (Kind.CAMPUS_CODE,),
}
"""The kinds of pass (codes.md 4) that are each instrument."""
_PAYS_AS = {
    codes.Instrument.ONLINE_TOKEN: Instrument.VIRTUAL,
    codes.Instrument.OFFLINE_DIGITS: Instrument.VIRTUAL,
    codes.Instrument.PHYSICAL_CARD: Instrument.PHYSICAL,
    codes.Instrument.TRANSIT_CARD: Instrument.PHYSICAL,
    codes.Instrument.WECHAT_WALLET: Instrument.WALLET,
    codes.Instrument.ALIPAY_WALLET: Instrument.WALLET,
    codes.Instrument.UNIONPAY_WALLET: Instrument.WALLET,
}


class Network(StrEnum):
    """What answers: all; the server but not the wallets' providers; only this site."""

    ONLINE = "ONLINE"
    OUTAGE = "OUTAGE"
    OFFLINE = "OFFLINE"


@dataclass(frozen=True, slots=True)
class Funding:
    """The purses of one instrument, the first one first; none: it does not pay then."""

    instrument: Instrument
    online: tuple[str, ...]
    outage: tuple[str, ...]
    offline: tuple[str, ...]

    def purses(self, network: Network) -> tuple[str, ...]:
        """Those of one state."""
        if network is Network.ONLINE:
            return self.online
        return self.outage if network is Network.OUTAGE else self.offline


@dataclass(frozen=True, slots=True)
class FundingPlan:
    """The whole table, in the school's order of instruments."""

    lines: tuple[Funding, ...]

    def purses(self, instrument: Instrument, network: Network) -> tuple[str, ...]:
        """What pays for an instrument, in this order; nothing for what the school leaves out."""
        for line in self.lines:
            if line.instrument is instrument:
                return line.purses(network)
        return ()

    def pay_kinds(self, network: Network) -> frozenset[int]:
        """The kinds of pass (codes.md 4) that something pays for."""
        paying = (line.instrument for line in self.lines if line.purses(network))
        return frozenset(kind for each in paying for kind in KINDS.get(each, ()))


def plan_of(policy: Policy, purses: Sequence[str]) -> FundingPlan:
    """The school's plan over the purses that codes spend, and cards without money on them."""
    return FundingPlan(tuple(_line(policy, each, tuple(purses)) for each in policy.pay.priority))


def _line(policy: Policy, instrument: Instrument, purses: tuple[str, ...]) -> Funding:
    if instrument not in _CARDS:
        # What a wallet pays from is its provider's, and that needs a line: never out of it.
        return Funding(instrument, (), (), ())
    if instrument is Instrument.PHYSICAL and policy.purse.model is PurseModel.ON_CARD:
        # What a chip has left is between it and its terminal: no record of a number spends it.
        return Funding(instrument, (CHIP,), (CHIP,), ())
    offline = policy.offline
    is_taken = offline.money and instrument in offline.instruments & ALONE
    return Funding(instrument, purses, purses, (RESERVE, *purses) if is_taken else ())


def instrument_of(text: str) -> Instrument | None:
    """What pays when this stripped text is presented, as far as its form tells.

    None is left to whoever reads it: a CC1 says by its kind what it is, and is judged by that.
    """
    kind = codes.classify(text)
    return None if isinstance(kind, CodeRefusal) else pays_as(kind)


def pays_as(kind: codes.Instrument) -> Instrument | None:
    """The instrument of the plan that stands behind what was read."""
    return _PAYS_AS.get(kind)


def refusal(instrument: Instrument | None, plan: FundingPlan, network: Network) -> str | None:
    """Why an instrument does not pay now, by the name of its response; None if something pays."""
    if instrument is None or plan.purses(instrument, network):
        return None
    if network is Network.OFFLINE:
        return CodeRefusal.OFFLINE_OFF
    is_cut_off = instrument is Instrument.WALLET and network is Network.OUTAGE
    return "PROVIDER_UNAVAILABLE" if is_cut_off else "NOT_SUPPORTED"
