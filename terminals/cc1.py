"""CC1: an issuer-signed pass with a device-signed presentation of it (codes.md 4)."""

from enum import IntEnum
from struct import Struct
from typing import NamedTuple

from terminals import base45
from terminals.codes import CodeRefusal, Use
from terminals.keys import Sign

PREFIX = "CC1:"
TEXT_CHARACTERS = 279
PASS_BYTES = 115
BOUND = 0x80
"""Scene bit 7: the device signature covers a challenge."""

_PASS = Struct(">BHBIHIBBBH32s")
_CODE = Struct(">BHBIHIBBBH32s64sI64s")
_SIGNED_PASS = slice(0, _PASS.size)
_SIGNED_SHOW = slice(0, PASS_BYTES + 4)
_SERIAL = slice(4, 10)
_FLAGS_RESERVED = 0xC0
_SCENE_RESERVED = 0x70


class Kind(IntEnum):
    """What a pass stands for."""

    VIRTUAL_CARD = 1
    CAMPUS_CODE = 2
    ENTRY = 3
    DELEGATE = 4


class Flags(IntEnum):
    """Bits of a pass (combined they are plain integers); bits 3 and 4 are the holder class."""

    PAY = 1
    ENTRY = 2
    WITHHOLD = 4
    HIGH = 32


class Intent(IntEnum):
    """What the phone shows the code for."""

    ANY = 0
    PAY = 1
    ENTRY = 2


class Presentation(NamedTuple):
    """A decoded CC1, nothing of it verified. Times are Unix seconds, `cap_tag` is a u32."""

    version_and_kind: int
    issuer: int
    kid: int
    cap_tag: int
    pass_no: int
    not_before: int
    ttl: int
    cap_class: int
    flags: int
    mask: int
    device_key: bytes
    issuer_signature: bytes
    t_and_scene: int
    device_signature: bytes
    raw: bytes

    @property
    def version(self) -> int:
        """1; 2 is reserved for SM2."""
        return self.version_and_kind >> 4

    @property
    def kind(self) -> int:
        """One of `Kind`, once the code is known to be well formed."""
        return self.version_and_kind & 0x0F

    @property
    def serial(self) -> bytes:
        """capTag u32, passNo u16: what a deny list names."""
        return self.raw[_SERIAL]

    @property
    def life_seconds(self) -> int:
        """From `not_before` to the end of the pass."""
        return self.ttl * (3600 if self.kind == Kind.ENTRY else 900)

    @property
    def ends_at(self) -> int:
        """The end of the pass."""
        return self.not_before + self.life_seconds

    @property
    def t(self) -> int:
        """Seconds from `not_before` to the showing."""
        return self.t_and_scene >> 8

    @property
    def shown_at(self) -> int:
        """When the phone says it showed the code."""
        return self.not_before + self.t

    @property
    def scene(self) -> int:
        """Bit 7 challenge-bound, bits 0 to 3 intent."""
        return self.t_and_scene & 0xFF

    @property
    def intent(self) -> int:
        """One of `Intent`, once the code is known to be well formed."""
        return self.scene & 0x0F

    @property
    def is_bound(self) -> bool:
        """Whether the device signature covers a challenge."""
        return self.scene & BOUND != 0

    @property
    def holder_class(self) -> int:
        """0 student, 1 staff, 2 temporary, 3 visitor, alumni and every other kind."""
        return self.flags >> 3 & 3

    @property
    def signed_pass(self) -> bytes:
        """The 115 bytes that the issuer gave to the phone."""
        return self.raw[:PASS_BYTES]

    @property
    def pass_message(self) -> bytes:
        """What the issuer signed."""
        return b"cc1p" + self.raw[_SIGNED_PASS]

    def show_message(self, challenge: bytes) -> bytes:
        """What the device signed; `challenge` is 32 bytes, or nothing."""
        return b"cc1d" + self.raw[_SIGNED_SHOW] + challenge

    def allows(self, use: Use) -> bool:
        """Whether both the flags of the pass and the intent of the phone allow the use."""
        if use is Use.PAY:
            return self.flags & Flags.PAY != 0 and self.intent != Intent.ENTRY
        return self.flags & Flags.ENTRY != 0 and self.intent != Intent.PAY

    def replay_key(self, use: Use) -> bytes:
        """14 bytes that one use of this showing spends (codes.md 8)."""
        raw = self.raw
        return b"\x02" + raw[1:3] + raw[_SERIAL] + raw[PASS_BYTES : PASS_BYTES + 4] + use.encode()


def _pass_is_malformed(kind: int, ttl: int, flags: int) -> bool:
    pays_at_doors = kind == Kind.ENTRY and flags & Flags.PAY != 0
    return not 1 <= kind <= 4 or ttl == 0 or flags & _FLAGS_RESERVED != 0 or pays_at_doors


def read(text: str) -> Presentation | CodeRefusal:
    """The code in a stripped text, or FORMAT, VERSION or MALFORMED: rows 1 to 3 of codes.md 7."""
    if len(text) != TEXT_CHARACTERS or not text.startswith(PREFIX):
        return CodeRefusal.FORMAT
    try:
        raw = base45.decode(text[len(PREFIX) :])
    except base45.Base45Invalid:
        return CodeRefusal.FORMAT
    code = Presentation._make((*_CODE.unpack(raw), raw))
    if code.version != 1:
        return CodeRefusal.VERSION
    scene = code.scene
    if _pass_is_malformed(code.kind, code.ttl, code.flags) or scene & _SCENE_RESERVED:
        return CodeRefusal.MALFORMED
    return code if scene & 0x0F <= Intent.ENTRY else CodeRefusal.MALFORMED


def issue_pass(  # the ten facts of codes.md 4 and who signs them
    *,
    issuer: int,
    kid: int,
    kind: Kind,
    cap_tag: int,
    pass_no: int,
    not_before: int,
    ttl: int,
    cap_class: int,
    flags: int,
    mask: int,
    device_key: bytes,
    sign: Sign,
) -> bytes:
    """The 115 bytes of a pass, signed by the PASS key of `issuer` and `kid`.

    `ttl` counts 900 s, for kind ENTRY 3600 s. Raises ValueError for facts no verifier accepts.
    """
    if _pass_is_malformed(kind, ttl, flags) or len(device_key) != 32:
        raise ValueError("no verifier would accept this pass")
    facts = cap_tag, pass_no, not_before, ttl, cap_class, flags, mask, device_key
    body = _PASS.pack(1 << 4 | kind, issuer, kid, *facts)
    return body + sign(b"cc1p" + body)


def show(signed_pass: bytes, t: int, intent: Intent, sign: Sign, challenge: bytes = b"") -> str:
    """The text a phone shows `t` seconds into a pass; a device never shows two with one `t`.

    `challenge` is the digest of the CCQ it answers, or nothing.
    """
    scene = intent | (BOUND if challenge else 0)
    shown = signed_pass + (t << 8 | scene).to_bytes(4)
    return PREFIX + base45.encode(shown + sign(b"cc1d" + shown + challenge))
