"""The key file: every secret the process signs, seals or counts with, refused when it is weak."""

import os
import stat
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Annotated, TypeVar

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from nacl.signing import SigningKey
from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, PlainValidator, ValidationError

from bff.settings import Environment
from core.kit.clock import unix_seconds
from terminals.keys import Evidence, KeyRing, KeyUse, PublicKey, is_registrable

KEY_BYTES = 32
SIGNING_DAYS = 100
"""A quarter, and time to take the next key into use."""
DROP_DAYS = 8
"""A pass of 7 days, the longest, and one more (codes.md 9)."""
_DISTINCT_MINIMUM = 16
_Kind = TypeVar("_Kind", bound=BaseModel)
USES = (KeyUse.PASS, KeyUse.ANSWER, KeyUse.DOCUMENT)


class KeysInvalid(Exception):
    """The key file is not fit for use; `problems` names each key and what is wrong, no value."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def _from_hex(text: object) -> bytes:
    if isinstance(text, bytes):
        return text
    if not isinstance(text, str):
        raise ValueError("must be hexadecimal text")
    return bytes.fromhex(text)


HexBytes = Annotated[bytes, PlainValidator(_from_hex), PlainSerializer(bytes.hex)]
Kid = Annotated[int, Field(ge=1, le=255)]
Ring = Annotated[dict[int, HexBytes], Field(min_length=1)]


class SecretRecord(BaseModel):
    """Has no printed form: what is in it must not reach a log."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    def __repr_args__(self) -> list[tuple[str | None, object]]:
        """Nothing."""
        return []


class Seed(SecretRecord):
    """A signing key of all schools: each issuer's own is derived. Times are Unix seconds.

    One that leaked has the instant it was withdrawn at: it signs nothing and is published no more.
    """

    use: KeyUse
    kid: Kid
    seed: HexBytes
    sign_from: int
    sign_until: int
    drop_after: int
    withdrawn_at: int | None = None

    def for_issuer(self, issuer: int) -> bytes:
        """The 32-byte Ed25519 seed that signs for one school."""
        return _derive(self.seed, f"sign|{self.use}|{self.kid}|{issuer}")


class Keys(SecretRecord):
    """All keys by their id, 1 and up: the newest writes, all of them read.

    `data` are the master keys of personal data, `totp` those of the T1 codes (codes.md 3),
    `pin_block` the X25519 key that PINs are sealed to, `chips` those of the chips of cards under
    the reference scheme: all that cards may have. `roots` are public: terminals are given them when
    they enrol, and believe only key documents that one of them signed. `roots_before` are those
    that terminals pinned before the last change of them.
    """

    made_for: Environment
    data: Ring
    blind_index: HexBytes
    pepper: Ring
    audit: Ring
    totp: Ring
    pin_block: HexBytes
    signing: tuple[Seed, ...]
    roots: dict[Kid, HexBytes] = {}
    roots_before: dict[Kid, HexBytes] = {}
    chips: dict[int, HexBytes] = {}

    def totp_key(self, issuer: int, version: int) -> bytes:
        """The school's T1 key of a version."""
        return _derive(self.totp[version], f"t1|{issuer}")

    def water_key(self, issuer: int, group_no: int, version: int) -> bytes:
        """The key of a group of meters; its version is the group's own (codes.md 14).

        Of the oldest T1 key that is kept, so that a new one ends no code that people hold.
        """
        return _derive(self.totp[min(self.totp)], f"water|{issuer}|{group_no}|{version}")

    def chip_keys(self, issuer: int) -> list[bytes]:
        """The keys of a school's chips, the newest first."""
        return [_derive(self.chips[kid], f"chip|{issuer}") for kid in sorted(self.chips)][::-1]

    def pepper_for(self, use: str) -> bytes:
        """The key of another use that is as secret as the newest pepper."""
        return _derive(self.pepper[max(self.pepper)], f"pepper|{use}")

    def signing_seed(self, use: KeyUse, now: datetime) -> Seed:
        """The newest key of a use that signs now.

        Raises: KeysInvalid, once the last one has run out.
        """
        second = unix_seconds(now)
        fit = [
            s
            for s in self.signing
            if s.use is use and s.withdrawn_at is None and s.sign_from <= second <= s.sign_until
        ]
        if not fit:
            raise KeysInvalid([f"signing: no {use} key signs now; run bff keys next"])
        return max(fit, key=lambda seed: (seed.sign_from, seed.kid))

    def public_keys(self, issuer: int) -> list[PublicKey]:
        """One school's lines of the key document (codes.md 9)."""
        return [_published(s, issuer) for s in self.signing if s.withdrawn_at is None]

    def evidence(self, issuer: int) -> Evidence:
        """What judges a school's offline records: also keys that were withdrawn since."""
        ring = KeyRing(_published(s, issuer) for s in self.signing)
        return Evidence(ring, {s.kid: s.withdrawn_at for s in self.signing if s.withdrawn_at})


def create_keys(
    path: Path,
    made_for: Environment,
    entropy: Callable[[int], bytes],
    now: datetime,
    roots: Mapping[int, bytes] | None = None,
) -> None:
    """Writes new keys, and the public roots by their kid, to a file that only its owner reads.

    Raises: FileExistsError, so that no key is ever overwritten.
    """
    starts = unix_seconds(now)
    until = unix_seconds(now + timedelta(days=SIGNING_DAYS))
    drop = unix_seconds(now + timedelta(days=SIGNING_DAYS + DROP_DAYS))
    seeds = tuple(
        Seed(use=use, kid=kid, seed=entropy(KEY_BYTES), sign_from=starts, sign_until=until,
             drop_after=drop)
        for kid, use in enumerate(USES, start=1)
    )  # fmt: skip
    rings = {name: {1: entropy(KEY_BYTES)} for name in ("data", "pepper", "audit", "totp", "chips")}
    keys = Keys(
        made_for=made_for,
        blind_index=entropy(KEY_BYTES),
        pin_block=entropy(KEY_BYTES),
        signing=seeds,
        roots=dict(roots or {}),
        **rings,
    )
    write_secret(path, keys)


def write_secret(path: Path, secret: BaseModel) -> None:
    """Writes it to a new file that only its owner reads.

    Raises: FileExistsError.
    """
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secret.model_dump_json(indent=2) + "\n")
        file.flush()
        os.fsync(file.fileno())


def load_keys(path: Path, environment: Environment, now: datetime) -> Keys:
    """The keys of a file, fit for this environment.

    Raises: KeysInvalid for a file others may read, keys that are missing, short, guessable, used
    twice or made for development, and when no key of a use signs now.
    """
    keys = read_keys(path)
    if environment is Environment.PRODUCTION and keys.made_for is not Environment.PRODUCTION:
        raise KeysInvalid(["made_for: keys of development in production"])
    for use in USES:
        keys.signing_seed(use, now)
    return keys


def read_keys(path: Path) -> Keys:
    """The keys of a file, whose signing keys may have run out.

    Raises: KeysInvalid for whatever else is wrong with it.
    """
    keys, problems = read_secret(path, Keys)
    problems += faults(keys)
    if problems:
        raise KeysInvalid(problems)
    return keys


def faults(keys: Keys) -> list[str]:
    """What is wrong with keys wherever they are used."""
    return [*_weak(keys), *_wrong_kids(keys), *_wrong_roots(keys)]


def read_secret(path: Path, kind: type[_Kind]) -> tuple[_Kind, list[str]]:
    """What `write_secret` wrote, and what is wrong with who may read it.

    Raises: KeysInvalid.
    """
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        secret = kind.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise KeysInvalid([f"{path}: {error.strerror}"]) from None
    except (ValidationError, UnicodeDecodeError) as error:
        raise KeysInvalid(_unread(error)) from None
    return secret, [f"{path}: others may read it; chmod 600"] if mode & 0o077 else []


def _unread(error: ValueError) -> list[str]:
    if not isinstance(error, ValidationError):
        return ["not UTF-8 text"]
    return [f"{'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}" for e in error.errors()]


def _rings(keys: Keys) -> Mapping[str, Mapping[int, bytes]]:
    return {
        "data": keys.data, "pepper": keys.pepper, "audit": keys.audit, "totp": keys.totp,
        "chips": keys.chips,
    }  # fmt: skip


def _named(keys: Keys) -> Mapping[str, bytes]:
    rings = _rings(keys).items()
    named = {f"{name}.{kid}": key for name, ring in rings for kid, key in ring.items()}
    seeds = {f"signing.{s.kid}.{s.use}": s.seed for s in keys.signing}
    return {**named, **seeds, "blind_index": keys.blind_index, "pin_block": keys.pin_block}


def _weak(keys: Keys) -> list[str]:
    named = _named(keys)
    problems = []
    for name, key in named.items():
        if len(key) != KEY_BYTES:
            problems.append(f"{name}: {len(key)} bytes instead of {KEY_BYTES}")
        elif len(set(key)) < _DISTINCT_MINIMUM or len({b - a for a, b in pairwise(key)}) == 1:
            problems.append(f"{name}: a test key; make a new one")
        elif list(named.values()).count(key) > 1:
            problems.append(f"{name}: the same key has another use")
    return problems


def _wrong_kids(keys: Keys) -> list[str]:
    rings = _rings(keys).items()
    problems = [f"{name}: key ids begin at 1" for name, ring in rings if min(ring, default=1) < 1]
    kids = [seed.kid for seed in keys.signing]
    if len(set(kids)) != len(kids):
        problems.append("signing: a key id occurs twice")
    return problems


def _wrong_roots(keys: Keys) -> list[str]:
    wrong = [kid for kid, root in keys.roots.items() if not is_registrable(root)]
    return [f"roots.{kid}: not an Ed25519 public key" for kid in wrong]


def _published(seed: Seed, issuer: int) -> PublicKey:
    return PublicKey(
        issuer, seed.kid, seed.use, bytes(SigningKey(seed.for_issuer(issuer)).verify_key),
        seed.sign_from, seed.sign_until, seed.drop_after,
    )  # fmt: skip


def _derive(master: bytes, info: str) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=info.encode()).derive(master)
