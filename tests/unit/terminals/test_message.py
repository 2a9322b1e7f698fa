"""Terminal messages to the byte: keys, proofs, time, activation codes, content and PIN blocks."""

from base64 import b64decode, b64encode
from hashlib import sha256, sha512

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl import bindings
from nacl.public import PrivateKey, SealedBox
from nacl.public import PublicKey as BoxKey

from terminals import message
from terminals.keys import verifies
from terminals.message import BusinessFields, EnteredPin, KeyId, RequestKey
from tests.unit.terminals import samples

KEY = RequestKey(42, 12, 345)
NOW = 1_800_003_602
BOX = b"\x55" * 32
BOX_PUBLIC = bytes(PrivateKey(BOX).public_key)
DEVICE = samples.public(samples.DEVICE_SEED)


@pytest.mark.parametrize("text", ["0-42-1", "65535-4294967295-255", "999-1-0"])
def test_a_key_id_is_read_and_written(text: str) -> None:
    key_id = KeyId.find(text)
    assert key_id is not None
    assert key_id.text() == text
    assert key_id == tuple(int(part) for part in text.split("-"))


@pytest.mark.parametrize(
    "text",
    [
        "65536-1-1",
        "1-4294967296-1",
        "1-1-256",
        "1-0-1",
        "01-1-1",
        "1-01-1",
        "1-1-01",
        "1-1",
        "1-1-1-1",
        "-1-1",
        "1-1-1\n",
        "１-1-1",
        "",
    ],
)
def test_anything_else_is_no_key_id(text: str) -> None:
    assert KeyId.find(text) is None


@given(
    st.builds(
        RequestKey,
        st.integers(0, 0xFFFFFFFF),
        st.integers(0, 0xFFFFFF),
        st.integers(0, 0xFFFFFF),
    )
)
def test_a_request_key_unpacks_as_it_was_packed(key: RequestKey) -> None:
    assert RequestKey.unpack(key.packed()) == key


def test_a_request_key_to_the_byte() -> None:
    assert KEY.packed().hex() == "0000002a00000c000159"
    assert KEY.text() == "42.12.345"


class TestContent:
    """The content hash of a request."""

    FIELDS = BusinessFields(
        "purchaseAuthorise", "CARD:04a1b2c3", None, 1250, "CNY", "MEAL", "IMMEDIATE", None
    )

    def test_the_same_fields_have_the_same_hash(self) -> None:
        expected = sha256(
            b'["purchaseAuthorise","CARD:04a1b2c3",null,1250,"CNY","MEAL","IMMEDIATE",null]'
        ).digest()
        assert self.FIELDS.content_hash() == expected

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("operation", "purchaseCapture"),
            ("presented", "CARD:04a1b2c4"),
            ("challenge", ""),
            ("minor_amount", 1251),
            ("currency", None),
            ("scene", "SHOP"),
            ("capture", "MANUAL"),
            ("original", KEY),
        ],
    )
    def test_each_field_changes_it(self, name: str, value: object) -> None:
        changed = BusinessFields(**(self.FIELDS._asdict() | {name: value}))
        assert changed.content_hash() != self.FIELDS.content_hash()

    def test_fields_do_not_run_into_each_other(self) -> None:
        one, other = BusinessFields("a", 'b","c'), BusinessFields("a", "b", "c")
        assert one.content_hash() != other.content_hash()


class TestPinBlock:
    """The PIN sealed to the server and bound to its request."""

    def block(self, digits: str = "123456", key: RequestKey = KEY) -> str:
        return message.seal_pin(digits, key, NOW, BOX_PUBLIC)

    @pytest.mark.parametrize("digits", ["1", "123456", "123456789012"])
    def test_a_block_opens_for_its_key(self, digits: str) -> None:
        opened = message.find_pin(self.block(digits), KEY, BOX)
        assert opened == EnteredPin(digits, NOW)
        assert digits not in repr(opened).replace(str(NOW), "")

    def test_a_block_is_80_bytes_of_32(self) -> None:
        sealed = b64decode(self.block())
        assert len(sealed) == 80
        plain = SealedBox(PrivateKey(BOX)).decrypt(sealed)
        assert plain.hex() == (
            "63637031" + "0000002a00000c000159" + "6b49e012" + "06" + "313233343536" + 7 * "00"
        )

    def test_pin_block_of_other_key(self) -> None:
        block = self.block()
        for other in (RequestKey(43, 12, 345), RequestKey(42, 13, 345), RequestKey(42, 12, 346)):
            assert message.find_pin(block, other, BOX) is None
        assert message.find_pin(block, KEY, b"\x56" * 32) is None
        assert message.find_pin(block, KEY, BOX) == EnteredPin("123456", NOW)

    @pytest.mark.parametrize("digits", ["", "1234567890123", "12a4", "１２３４"])
    def test_only_digits_are_sealed(self, digits: str) -> None:
        with pytest.raises(ValueError, match=r"digits|ascii"):
            self.block(digits)

    @pytest.mark.parametrize(
        "plain",
        [
            b"ccp2" + KEY.packed() + bytes(4) + b"\x04" + b"1234".ljust(13, b"\0"),
            b"ccp1" + KEY.packed() + bytes(4) + b"\x04" + b"1234".ljust(12, b"\0") + b"\1",
            b"ccp1" + KEY.packed() + bytes(4) + b"\x04" + b"12345".ljust(13, b"\0"),
            b"ccp1" + KEY.packed() + bytes(4) + b"\x05" + b"1234".ljust(13, b"\0"),
            b"ccp1" + KEY.packed() + bytes(4) + b"\x00" + bytes(13),
            b"ccp1" + KEY.packed() + bytes(4) + b"\x0d" + b"123456789012\0",
            b"ccp1" + KEY.packed() + bytes(4) + b"\x04" + b"12a4".ljust(13, b"\0"),
            b"ccp1" + KEY.packed() + bytes(4) + b"\x04" + b"1234".ljust(12, b"\0"),
            b"",
        ],
    )
    def test_another_plain_text_is_no_pin(self, plain: bytes) -> None:
        block = b64encode(SealedBox(BoxKey(BOX_PUBLIC)).encrypt(plain)).decode()
        assert message.find_pin(block, KEY, BOX) is None

    @pytest.mark.parametrize("block", ["", "AAAA", "A", "\u00e9", "AAAA\n", 107 * "A" + "="])
    def test_what_is_no_sealed_box_is_no_pin(self, block: str) -> None:
        assert message.find_pin(block, KEY, BOX) is None


class TestActivationCode:
    """Twelve characters of Crockford base32."""

    def test_it_is_drawn_from_60_bits(self) -> None:
        assert message.draw_activation_code(samples.counted_ids()) == "1" + 11 * "0"

    @given(st.text(message.CROCKFORD, min_size=12, max_size=12))
    def test_what_people_type_is_the_same_code(self, code: str) -> None:
        typed = f" {code[:4]}-{code[4:8]}-{code[8:]} ".lower()
        assert message.find_activation_code(typed) == code

    def test_letters_that_look_like_digits_are_read_as_those(self) -> None:
        assert message.find_activation_code("oOiI-lL00-0000") == "001111000000"

    @pytest.mark.parametrize(
        "text", ["", 11 * "0", 13 * "0", 11 * "0" + "U", 11 * "0" + "é", 11 * "0" + "\n"]
    )
    def test_anything_else_is_no_code(self, text: str) -> None:
        assert message.find_activation_code(text) is None


def test_an_enrolment_proof_covers_code_key_and_serial_number() -> None:
    signed = message.enrolment_message("0123456789AB", DEVICE, "SN-1")
    code, number = sha256(b"0123456789AB").digest(), sha256(b"SN-1").digest()
    assert signed == b"cce1" + code + DEVICE + number


def test_a_rotation_proof_covers_the_next_key_number() -> None:
    signed = message.rotation_message(KeyId(7, 42, 2), DEVICE)
    assert signed == b"cck1" + bytes.fromhex("0007" + "0000002a" + "02") + DEVICE


def test_signed_time_covers_the_nonce_of_its_request() -> None:
    signed = message.time_message(7, 42, bytes(range(16)), NOW)
    expected = "0007" + "0000002a" + "000102030405060708090a0b0c0d0e0f" + "6b49e012"
    assert signed == b"cct1" + bytes.fromhex(expected)


class TestDeviceProof:
    """What a phone signs when it enrols."""

    PROOF = samples.sign_device(b"ccv1" + DEVICE + bytes.fromhex("6b49e012"))

    @pytest.mark.parametrize(
        ("now", "proved"),
        [(NOW - 121, False), (NOW - 120, True), (NOW + 120, True), (NOW + 121, False)],
    )
    def test_it_is_good_for_120_seconds_each_way(self, now: int, proved: bool) -> None:
        assert message.proves_device(DEVICE, NOW, self.PROOF, now) is proved

    def test_it_proves_one_key_at_one_time(self) -> None:
        other = samples.public(samples.PASS_SEED)
        assert not message.proves_device(other, NOW, self.PROOF, NOW)
        assert not message.proves_device(DEVICE, NOW + 1, self.PROOF, NOW)

    def test_a_mixed_order_key_proves_nothing_though_its_signature_holds(self) -> None:
        hashed = sha512(samples.DEVICE_SEED).digest()
        secret = (int.from_bytes(hashed[:32], "little") % 2**254 | 2**254) & ~7
        mixed = samples.mixed_order(DEVICE)
        r = bindings.crypto_scalarmult_ed25519_base_noclamp((7).to_bytes(32, "little"))
        proofs = {}
        for at in range(NOW, NOW + 16):
            challenge = sha512(r + mixed + message.device_message(mixed, at)).digest()
            s = (7 + int.from_bytes(challenge, "little") * secret) % samples.ORDER
            proofs[at] = r + s.to_bytes(32, "little")
        holding = {
            at
            for at, proof in proofs.items()
            if verifies(mixed, message.device_message(mixed, at), proof)
        }
        assert 0 < len(holding) < 16
        assert not any(message.proves_device(mixed, at, proofs[at], at) for at in holding)
