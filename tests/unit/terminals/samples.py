"""The vectors of the code formats, and their keys: seeds of 32 equal bytes, never of use."""

from dataclasses import replace
from datetime import datetime
from itertools import count

from nacl.signing import SigningKey

from core.kit.clock import from_unix
from core.kit.ids import Ids
from terminals.keys import KeyRing, KeyUse, PublicKey, signer

PASS_SEED, ANSWER_SEED, DEVICE_SEED, TERMINAL_SEED = (
    bytes([number]) * 32 for number in (0x11, 0x22, 0x33, 0x44)
)
PRIME = 2**255 - 19
"""Of the field of Ed25519."""
ORDER = 2**252 + 27742317777372353535851937790883648493
"""Of its group."""
NOT_BEFORE = 1_800_000_000
SHOWN = NOT_BEFORE + 3600

VECTOR_1 = (
    "CC1:W62100*JK2YO100FPDUOQ76C3H0QH0OWP*XVMA8TUU$*TS$SQ*HL41V0IS38YA0:WKVSGS-G1BGG3QRW"
    "S3NGEVQGQPFFED-AC9KOZCKAQCI36MP0FWJKE+1NE+MLF2$89LTTG2BP:FU0R*6J.07L E/ RER0WMGD-QL+"
    "5D$MUAE0000Z1$30*:52:VAO8MA05P9NGT+%FO2W8$QQ$R4 19.2/TL67S4O3FWFB$A-/0  KLV3P92BVKQN"
    "56VI4:T170E*56 J1MI3:PKMH80"
)
VECTOR_2 = (
    "CCQ:W62100000.00000CN1U70FPDKESU7F4005SS+4IAF3U-E1VD4JCSW2T5WW%MS6V/O5YAO2P1:%MVE71."
    "0D7Q+-U**0R.FGZT55030O.AMBZC3R0*G8.4OV6JJTR0ZKIIB70"
)
VECTOR_3 = (
    "CC1:W62100*JK2YO100FPDUOQ76C3H0QH0OWP*XVMA8TUU$*TS$SQ*HL41V0IS38YA0:WKVSGS-G1BGG3QRW"
    "S3NGEVQGQPFFED-AC9KOZCKAQCI36MP0FWJKE+1NE+MLF2$89LTTG2BP:FU0R*6J.07L E/ RER0WMGD-QL+"
    "5D$MUAE0002Z1OJG+EVG41KUL1F8:LR4D55FDT0I$JBTUFQ*3838U6WHAE3QJBA14%BUYE5W6AD07PO0S9:I"
    "A$JH+%6NS0WRFFGLHPO%:8G12F0"
)
VECTOR_4 = (
    "CCR:W62200000.00000CN1U70000ZR0FPDXES646T%66466466466467468IL9I5R-PK5O5/UIDL:4ORFNV%"
    "OSCO959XCM2C3K9H$00516EBWFMH8+1XY8H*MRVDGZ931NRP79XJOQF$0IU B.W2SJPCXK"
)
VECTOR_5 = (
    "CC1:4I2100*JK3YO100FPDUOQ+ALHB0/S0OWP*XVMA8TUU$*TS$SQ*HL41V0IS38YA0:WKVSGS-G1BG62Q6-"
    "HIJ704R* 6E-627FKMIU4R3+6C 17.CAYV-/D:CNN:1HYK1+T1QPWG0-*K*PV/%IICI+JJW2UX9DZ8I/7QE8"
    "0TOI80RCN10Z1JE0PI3RU9U1VL1K$6GXFS7HG249TJ7*TH1YSE*F1UAGMHDOCH8UNFR62R/.D4L7:*4F2JQW"
    "7HF4WSMU.M12APZIL4S*W9XSS30"
)


def public(seed: bytes) -> bytes:
    """The public key of a seed."""
    return bytes(SigningKey(seed).verify_key)


PASS_KEY = PublicKey(
    issuer=0,
    kid=1,
    use=KeyUse.PASS,
    public_key=public(PASS_SEED),
    sign_from=NOT_BEFORE - 2_592_000,
    sign_until=1_805_184_000,
    drop_after=1_805_875_200,
)
ANSWER_KEY = replace(PASS_KEY, kid=2, use=KeyUse.ANSWER, public_key=public(ANSWER_SEED))
KEYS = KeyRing([PASS_KEY, ANSWER_KEY])

sign_pass, sign_answer, sign_device, sign_terminal = (
    signer(seed) for seed in (PASS_SEED, ANSWER_SEED, DEVICE_SEED, TERMINAL_SEED)
)


def mixed_order(public_key: bytes) -> bytes:
    """The key plus the point of order two: y becomes p - y, x becomes p - x."""
    number = int.from_bytes(public_key, "little")
    y = PRIME - number % 2**255
    return (y | (number >> 255 ^ 1) << 255).to_bytes(32, "little")


class FixedClock:
    """A clock that stands still."""

    def __init__(self, seconds: int) -> None:
        self._now = from_unix(seconds)

    def now(self) -> datetime:
        """The instant it was set to."""
        return self._now


def counted_ids() -> Ids:
    """Ids whose chance is 1, 2, 3 ..."""
    numbers = count(1)
    return Ids(FixedClock(SHOWN), lambda size: next(numbers).to_bytes(size))
