"""The one Ed25519 rule, registration, and the ring of keys."""

from dataclasses import replace

import pytest

from terminals import keys
from terminals.keys import KeyRing, KeyUse, PublicKey, is_registrable, verifies
from tests.unit.terminals import samples

DEVICE = samples.public(samples.DEVICE_SEED)
MIXED_ORDER_S = bytes.fromhex("442e70231f5e1d329929b3c87377282163aad361e2ae1d523e095aa805e1ed07")
SMALL_ORDER = [
    (1).to_bytes(32, "little"),
    bytes(32),
    (samples.PRIME - 1).to_bytes(32, "little"),
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
    bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
]


def test_a_signature_is_accepted_for_its_message_and_key_only() -> None:
    signature = samples.sign_device(b"shown")
    assert verifies(DEVICE, b"shown", signature)
    assert not verifies(DEVICE, b"other", signature)
    assert not verifies(samples.public(samples.PASS_SEED), b"shown", signature)


def test_s_plus_l_is_refused() -> None:
    signature = samples.sign_device(b"shown")
    raised = int.from_bytes(signature[32:], "little") + samples.ORDER
    assert not verifies(DEVICE, b"shown", signature[:32] + raised.to_bytes(32, "little"))


def test_identity_as_r_is_refused() -> None:
    assert not verifies(DEVICE, b"cc1dtest", SMALL_ORDER[0] + MIXED_ORDER_S)


@pytest.mark.parametrize("sign_bit", [0, 0x80])
@pytest.mark.parametrize("point", SMALL_ORDER)
def test_small_order_keys_and_points_are_refused(point: bytes, sign_bit: int) -> None:
    point = point[:31] + bytes([point[31] | sign_bit])
    # With A of small order, R = A and S = 0 meets the equation for some messages: none may pass.
    assert not any(verifies(point, bytes([n]), point + bytes(32)) for n in range(64))
    assert not is_registrable(point)


@pytest.mark.parametrize("y", [samples.PRIME, samples.PRIME + 1, samples.PRIME + 3, 2**255 - 1])
def test_keys_that_are_not_canonical_are_refused(y: int) -> None:
    assert not is_registrable(y.to_bytes(32, "little"))
    assert not verifies(y.to_bytes(32, "little"), b"", samples.sign_device(b""))


def test_mixed_order_keys_are_not_registered() -> None:
    assert is_registrable(DEVICE)
    assert not is_registrable(samples.mixed_order(DEVICE))


@pytest.mark.parametrize(("key_size", "signature_size"), [(31, 64), (33, 64), (32, 63), (32, 65)])
def test_other_sizes_are_refused_before_the_library_reads_them(
    key_size: int, signature_size: int
) -> None:
    signature = (samples.sign_device(b"shown") + b"\0")[:signature_size]
    assert not verifies((DEVICE + b"\0")[:key_size], b"shown", signature)
    assert is_registrable((DEVICE + b"\0")[:key_size]) is (key_size == 32)


def test_a_fingerprint_is_eight_hex_characters_of_the_hash() -> None:
    assert keys.fingerprint(bytes(32)) == "66687aad"


def test_a_key_of_another_use_counts_as_unknown() -> None:
    assert samples.KEYS.find(0, 1, KeyUse.PASS) == samples.PASS_KEY
    assert samples.KEYS.find(0, 1, KeyUse.ANSWER) is None
    assert samples.KEYS.find(1, 1, KeyUse.PASS) is None
    assert samples.KEYS.find(0, 3, KeyUse.PASS) is None


class TestRememberedPasses:
    """What a ring remembers of pass signatures."""

    @pytest.fixture
    def verified(self, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
        """The messages that libsodium was asked about."""
        asked: list[bytes] = []

        def counting(public_key: bytes, message: bytes, signature: bytes) -> bool:
            asked.append(message)
            return verifies(public_key, message, signature)

        monkeypatch.setattr(keys, "verifies", counting)
        return asked

    @staticmethod
    def ask(ring: KeyRing, message: bytes, key: PublicKey = samples.PASS_KEY) -> bool:
        return ring.verifies_pass(key, message, samples.sign_pass(message))

    def test_a_good_one_is_verified_once(self, verified: list[bytes]) -> None:
        ring = KeyRing([samples.PASS_KEY])
        assert [self.ask(ring, b"a"), self.ask(ring, b"a")] == [True, True]
        assert verified == [b"a"]

    def test_a_bad_one_is_never_remembered(self, verified: list[bytes]) -> None:
        ring = KeyRing([samples.PASS_KEY])
        assert not any(ring.verifies_pass(samples.PASS_KEY, b"a", bytes(64)) for _ in range(2))
        assert verified == [b"a", b"a"]

    def test_the_least_recently_used_is_forgotten(self, verified: list[bytes]) -> None:
        ring = KeyRing([samples.PASS_KEY], remembered_maximum=2)
        for message in (b"a", b"b", b"a", b"c", b"a", b"b"):
            assert self.ask(ring, message)
        assert verified == [b"a", b"b", b"c", b"b"]

    def test_it_does_not_stand_for_another_key(self, verified: list[bytes]) -> None:
        ring = KeyRing([samples.PASS_KEY])
        assert self.ask(ring, b"a")
        assert not self.ask(ring, b"a", replace(samples.PASS_KEY, public_key=DEVICE))
        assert verified == [b"a", b"a"]
