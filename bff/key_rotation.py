"""How keys follow one another: the next quarter's, and one in the place of one that leaked.

Pure but for `rewrite`: each step takes the keys of a file and gives those of the next one. Nothing
ever leaves the file, for what a key signed is verified long after it signs no more.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from bff.keys import (
    DROP_DAYS,
    KEY_BYTES,
    SIGNING_DAYS,
    USES,
    Keys,
    KeysInvalid,
    Seed,
    faults,
    write_secret,
)
from core.kit.clock import unix_seconds
from terminals.keys import KeyUse, is_registrable

LEAD_DAYS = 7
LEAD_DAYS_MINIMUM = 4
"""A till that still sells alone heard us within 72 h; then it has the next key before it signs."""
KIDS_MAXIMUM = 127
"""Of the key file; those above are the keys of edges."""


class RotationImpossible(Exception):
    """The keys stay as they are; why, in both languages."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh = zh
        self.en = en


class KeyState(StrEnum):
    """Where a key stands in its life."""

    COMING = "COMING"
    SIGNS = "SIGNS"
    VERIFIES = "VERIFIES"
    DROPPED = "DROPPED"
    WITHDRAWN = "WITHDRAWN"


@dataclass(frozen=True, slots=True)
class KeyLine:
    """One key as an operator sees it."""

    kid: int
    use: KeyUse
    state: KeyState
    sign_from: int
    sign_until: int


def next_keys(
    keys: Keys, uses: Collection[KeyUse], starts: datetime, now: datetime,
    entropy: Callable[[int], bytes],
) -> Keys:  # fmt: skip
    """The keys with one more of each use, which signs from `starts` for a quarter and a bit.

    Where one begins later than now already, none is added. Raises: RotationImpossible for a use
    that nothing would sign for in between, and when the key ids are used up.
    """
    made = keys
    for use in uses:
        live = [s for s in keys.signing if s.use is use and s.withdrawn_at is None]
        if any(seed.sign_from > unix_seconds(now) for seed in live):
            continue
        last = max((seed.sign_until for seed in live), default=0)
        if unix_seconds(now) <= last < unix_seconds(starts):
            raise RotationImpossible(
                f"{use} 密钥先于下一把到期，请提前开始",
                f"The {use} key ends before the next begins",
            )
        made = _with_seed(made, use, unix_seconds(starts), _until(starts), entropy)
    return made


def withdraw(keys: Keys, kid: int, now: datetime, entropy: Callable[[int], bytes]) -> Keys:
    """The keys without one that leaked, and with another in its place.

    The other signs for the same span, so that passes of slots that have begun are issued anew.
    Raises: RotationImpossible, if there is no such key or it was withdrawn before.
    """
    instant = unix_seconds(now)
    leaked = next((s for s in keys.signing if s.kid == kid and s.withdrawn_at is None), None)
    if leaked is None:
        raise RotationImpossible(f"没有可撤销的 {kid} 号密钥", f"No key {kid} is there to withdraw")
    signing = tuple(
        s.model_copy(update={"withdrawn_at": instant}) if s is leaked else s for s in keys.signing
    )
    rest = keys.model_copy(update={"signing": signing})
    return _with_seed(rest, leaked.use, leaked.sign_from, leaked.sign_until, entropy)


def next_root(keys: Keys, kid: int, public_key: bytes, leaving: int | None) -> Keys:
    """The keys with one more root, in the place of the one that leaves, if any.

    One root stays: it signs what terminals that slept through the change wake up to.
    Raises: RotationImpossible.
    """
    if not is_registrable(public_key):
        raise RotationImpossible("不是 Ed25519 公钥", "This is no Ed25519 public key")
    if kid in keys.roots or kid in keys.roots_before:
        raise RotationImpossible(f"根 {kid} 已用过", f"There was a root {kid} before")
    if leaving is not None and leaving not in keys.roots:
        raise RotationImpossible(f"没有根 {leaving}", f"There is no root {leaving}")
    stay = {each: key for each, key in keys.roots.items() if each != leaving}
    if not stay:
        raise RotationImpossible(
            "须保留一把根密钥：先加入新的，终端都收到后再换下旧的",
            "One root has to stay: add the new one, and let the old one leave once all have it",
        )
    return keys.model_copy(update={"roots": stay | {kid: public_key}, "roots_before": keys.roots})


def lines(keys: Keys, now: datetime) -> list[KeyLine]:
    """Every key, by use and age, and where it stands."""
    instant = unix_seconds(now)
    found = [
        KeyLine(seed.kid, seed.use, _state(seed, instant), seed.sign_from, seed.sign_until)
        for seed in keys.signing
    ]
    return sorted(found, key=lambda line: (USES.index(line.use), line.sign_from, line.kid))


def running_out(keys: Keys, until: datetime) -> list[KeyUse]:
    """The uses that no key of ours signs for at `until`."""
    found = []
    for use in USES:
        try:
            keys.signing_seed(use, until)
        except KeysInvalid:
            found.append(use)
    return found


def rewrite(path: Path, keys: Keys) -> None:
    """Puts keys in the place of those of a file: all of them or none, also if power fails.

    Raises: KeysInvalid, FileExistsError for what an earlier try left behind.
    """
    problems = faults(keys)
    if problems:
        raise KeysInvalid(problems)
    fresh = path.with_name(f"{path.name}.new")
    write_secret(fresh, keys)
    fresh.replace(path)


def _with_seed(
    keys: Keys, use: KeyUse, sign_from: int, sign_until: int, entropy: Callable[[int], bytes]
) -> Keys:
    seed = Seed(
        use=use,
        kid=_free_kid(keys),
        seed=entropy(KEY_BYTES),
        sign_from=sign_from,
        sign_until=sign_until,
        drop_after=sign_until + DROP_DAYS * 86_400,
    )
    return keys.model_copy(update={"signing": (*keys.signing, seed)})


def _free_kid(keys: Keys) -> int:
    """One above all there ever were: a kid never means two keys."""
    kid = 1 + max(seed.kid for seed in keys.signing)
    if kid > KIDS_MAXIMUM:
        raise RotationImpossible("密钥编号已用完", "The key ids are used up")
    return kid


def _until(starts: datetime) -> int:
    return unix_seconds(starts + timedelta(days=SIGNING_DAYS))


def _state(key: Seed, instant: int) -> KeyState:
    if key.withdrawn_at is not None:
        return KeyState.WITHDRAWN
    if instant < key.sign_from:
        return KeyState.COMING
    if instant <= key.sign_until:
        return KeyState.SIGNS
    return KeyState.VERIFIES if instant <= key.drop_after else KeyState.DROPPED
