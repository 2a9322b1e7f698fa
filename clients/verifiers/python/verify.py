"""Reads the dynamic codes and says what a terminal must say; needs PyNaCl 1.6.2 or newer, no more.

`python verify.py FILE ...` (or lines on stdin) prints the id of each case, a tab and the verdict.
Integers in bytes are big-endian, times are Unix seconds, amounts are fen.
"""

import fileinput
import hmac
import json
import re
from base64 import b64decode, b64encode, urlsafe_b64decode
from hashlib import sha256
from struct import pack, unpack_from
from typing import Any

from nacl.bindings import crypto_core_ed25519_is_valid_point, crypto_sign_open
from nacl.exceptions import BadSignatureError

Json = dict[str, Any]
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
OUTCOMES = ["", "APPROVED", "DECLINED", "VOIDED", "PIN_REQUIRED", "IN_PROGRESS"]
DEFAULTS: Json = {
    "amount": 0, "fields": {}, "issuers": [], "keys": [], "skew": 15, "life": 45, "offline": True,
    "clockTrusted": True, "openOnLostClock": False, "challenge": None, "deny": [], "seen": [],
    "payKinds": [1, 2, 4], "entryKinds": [1, 2, 3, 4], "denyListAge": 0, "storeFull": False,
    "offlineMoney": True, "site": 0, "commonDoor": False, "doors": [], "challengeAbove": None,
    "passback": False, "spent": [], "terminals": [], "siteNo": 0, "scanned": False, "locked": [],
    "nonces": [], "previous": None,
    "caps": [{"capClass": 1, "a": 2000, "n": 3, "b": 5000}, {"capClass": 2, "a": 1000, "n": 2,
             "b": 2000}, {"capClass": 3, "a": 5000, "n": 4, "b": 10000, "high": True}],
}  # fmt: skip
# The number fields of each form: name, first byte, size; and the two nibbles of byte 0.
CC1 = [("issuer", 1, 2), ("kid", 3, 1), ("capTag", 4, 4), ("passNo", 8, 2), ("notBefore", 10, 4),
       ("ttl", 14, 1), ("capClass", 15, 1), ("flags", 16, 1), ("mask", 17, 2), ("t", 115, 3),
       ("scene", 118, 1)]  # fmt: skip
CCQ = [("issuer", 1, 2), ("keyNo", 3, 1), ("terminalNo", 4, 4), ("batchNo", 8, 3), ("seqNo", 11, 3),
       ("createdAt", 14, 4), ("life", 18, 1), ("minorAmount", 19, 4)]  # fmt: skip
CCR = [("issuer", 1, 2), ("kid", 3, 1), ("terminalNo", 4, 4), ("batchNo", 8, 3), ("seqNo", 11, 3),
       ("minorAmount", 14, 4), ("answeredAt", 18, 4)]  # fmt: skip
WORDS = re.compile(rb"[0-9A-Z]{14}")
HEADERS = ("content-digest", "idempotency-key", "signature", "signature-input")
SIGNED_REQUEST = re.compile(
    r"(?P<digest>sha-256=:[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=:)\n"
    r'(?P<key>"(?P<own>[1-9][0-9]{0,9})\.(?P<batch>0|[1-9][0-9]{0,5})\.(?P<seq>[1-9][0-9]{0,5})")\n'
    r"term=:(?P<made>[A-Za-z0-9+/]{85}[AQgw]==):\n"
    r'term=(?P<params>\("@method" "@path" "content-digest" "idempotency-key"\);created=(?P<created>'
    r'0|[1-9][0-9]{0,9});keyid="(?P<issuer>0|[1-9][0-9]{0,4})-(?P<terminal>[1-9][0-9]{0,9})-'
    r'(?P<number>0|[1-9][0-9]{0,2})";nonce="(?P<nonce>[A-Za-z0-9_-]{21}[AQgw])";tag="cc-term")'
)


class Refusal(Exception):
    """The first check that failed, by its name."""


def refuse_if(failed: object, name: str) -> None:
    if failed:
        raise Refusal(name)


def strip(text: str) -> str:
    """`text` without exactly one CR LF, CR, LF or TAB at its end."""
    return text[:-2] if text.endswith("\r\n") else re.sub(r"[\r\n\t]\Z", "", text)


def base45(text: str, prefix: str, length: int) -> bytes:
    """The bytes behind a prefix: RFC 9285, strict."""
    refuse_if(len(text) != length or not text.startswith(prefix), "FORMAT")
    raw, text = b"", text[4:]
    refuse_if(len(text) % 3 == 1 or not set(text) <= set(ALPHABET), "FORMAT")
    for at in range(0, len(text), 3):
        values = [ALPHABET.index(character) for character in text[at : at + 3]]
        number, size = sum(v * 45**place for place, v in enumerate(values)), len(values) - 1
        refuse_if(number >> 8 * size, "FORMAT")
        raw += number.to_bytes(size, "big")
    return raw


def signed(public_key: str, message: bytes, signature: bytes) -> bool:
    """The one rule, libsodium's: no S >= L, no small or non-canonical key or R, no cofactor."""
    try:
        crypto_sign_open(signature + message, bytes.fromhex(public_key))
        return len(public_key) == 64 and len(signature) == 64
    except BadSignatureError:
        return False


def decode(raw: bytes, form: list[tuple[str, int, int]], low: str, wanted: Json) -> Json:
    """The number fields of a form, compared with those a case may name; `low` is in byte 0."""
    n = {name: int.from_bytes(raw[at : at + size], "big") for name, at, size in form}
    n |= {"version": raw[0] >> 4, low: raw[0] & 15}
    for name, number in wanted.items():
        refuse_if(n.get(name) != number, f"FIELDS {name}")
    refuse_if(n["version"] != 1, "VERSION")
    return n


def find_key(c: Json, issuer: int, kid: int, at: int, *uses: str) -> Json:
    """The published key that may have signed at `at`; an EDGE key only at its own site."""
    for key in c["keys"]:
        own = key["use"] != "EDGE" or key.get("siteNo", 0) == c["siteNo"]
        if (key["issuer"], key["kid"]) == (issuer, kid) and key["use"] in uses and own:
            refuse_if(not key["signFrom"] <= at <= key["signUntil"], "KEY_UNKNOWN")
            return dict(key)
    raise Refusal("KEY_UNKNOWN")


def read_ccq(text: str, wanted: Json) -> tuple[bytes, Json]:
    """A challenge, nothing of it verified."""
    url = re.fullmatch(r"https://[!-~]*(?![\w-])[!-~]([A-Za-z0-9_-]{116})", text)
    raw = urlsafe_b64decode(url[1]) if url else base45(text, "CCQ:", 135)
    n = decode(raw, CCQ, "purpose", wanted)
    pay, entry, printed = (n["purpose"] == purpose for purpose in (1, 2, 3))
    refuse_if(url and not printed, "FORMAT")
    good = 1 <= n["batchNo"] <= 999_999 and n["life"] > 0 and pay == (n["minorAmount"] > 0)
    good = good if pay or entry else printed and n["batchNo"] == n["life"] == 0
    refuse_if(not good or not 1 <= n["seqNo"] <= 999_999, "MALFORMED")
    return raw, n


def outstanding_digest(text: str, c: Json) -> bytes:
    """What a bound code signs: the digest of a challenge that may be answered now, or nothing."""
    try:
        raw, n = read_ccq(strip(text), {})
    except Refusal:
        return b""
    purpose, age = 1 if c["use"] == "P" else 2, c["now"] - n["createdAt"]
    good = -c["skew"] <= age <= n["life"] + c["skew"] and n["purpose"] == purpose
    return sha256(raw).digest() if good else b""


class Verdicts:
    """A method for each type of case, given its stripped text and, as `c`, all its members."""

    def cc1(self, text: str, c: Json) -> str:
        """The rows of CC1, in their order."""
        pays, skew, raw = c["use"] == "P", c["skew"], base45(text, "CC1:", 279)
        n = decode(raw, CC1, "kind", c["fields"])
        kind, flags, intent, bound = n["kind"], n["flags"], n["scene"] & 15, n["scene"] >> 7
        refuse_if(not 1 <= kind <= 4 or n["ttl"] == 0 or (kind == 3 and flags & 1), "MALFORMED")
        refuse_if(flags & 0xC0 or n["scene"] & 0x70 or intent > 2, "MALFORMED")
        refuse_if(n["issuer"] not in c["issuers"], "ISSUER_NOT_ACCEPTED")
        trusted = not c["offline"] or c["clockTrusted"]
        key = find_key(c, n["issuer"], n["kid"], n["notBefore"], "PASS")
        refuse_if(trusted and c["now"] > key["dropAfter"], "KEY_UNKNOWN")
        refuse_if(not signed(key["publicKey"], b"cc1p" + raw[:51], raw[51:115]), "ISSUER_SIGNATURE")
        challenge = outstanding_digest(c["challenge"] or "", c) if bound else b""
        refuse_if(bound and not challenge, "CHALLENGE_UNEXPECTED")
        message = b"cc1d" + raw[:119] + challenge
        refuse_if(not signed(raw[19:51].hex(), message, raw[119:]), "DEVICE_SIGNATURE")
        refuse_if(not trusted and (pays or not c["openOnLostClock"]), "CLOCK_UNTRUSTED")
        if trusted:
            age, length = c["now"] - n["notBefore"], n["ttl"] * (3600 if kind == 3 else 900)
            refuse_if(age < -skew, "PASS_NOT_YET_VALID")
            refuse_if(age > length + skew or n["t"] > length, "PASS_EXPIRED")
            refuse_if(age < n["t"] - skew, "CODE_FROM_FUTURE")
            refuse_if(age > n["t"] + c["life"] + skew, "CODE_EXPIRED")
        refuse_if(raw[4:10].hex() in c["deny"], "REVOKED")
        refuse_if(kind not in c["payKinds" if pays else "entryKinds"], "KIND_NOT_ACCEPTED")
        refuse_if(not flags & (1 if pays else 2) or intent == 1 + pays, "USE_NOT_ALLOWED")
        replay_key = b"\2" + raw[1:3] + raw[4:10] + raw[115:119] + c["use"].encode()
        refuse_if(replay_key.hex() in c["seen"], "CODE_USED")
        if pays:
            self.pay(n, c, bound)
        else:
            pairs = [p for p, bit in c["doors"] if p == n["capClass"] and n["mask"] >> bit & 1]
            shut = not (pairs if kind == 3 else c["commonDoor"])
            refuse_if(c["offline"] and shut, "DOOR_NOT_ALLOWED")
            refuse_if(c["passback"], "PASSBACK")
        return "ACCEPTED"

    def pay(self, n: Json, c: Json, bound: int) -> None:
        """Rows 18 to 21."""
        amount, above, offline = c["amount"], c["challengeAbove"], c["offline"]
        cap = {cap["capClass"]: cap for cap in c["caps"] if cap["capClass"]}.get(n["capClass"])
        off = c["denyListAge"] > 86_400 or c["storeFull"] or not c["offlineMoney"]
        unfit = not cap or (cap.get("high") and not n["flags"] & 32)
        refuse_if(offline and (off or unfit), "OFFLINE_OFF")
        refuse_if(offline and n["kind"] == 2 and not n["flags"] & 4, "OFFLINE_OFF")
        refuse_if(offline and not n["mask"] >> c["site"] & 1, "SITE_NOT_ALLOWED")
        refuse_if(above is not None and amount > above and not bound, "CHALLENGE_REQUIRED")
        if offline and cap:
            owner = n["issuer"], f"{n['capTag']:08x}"
            spent = [s for s in c["spent"] if (s["issuer"], s["capTag"]) == owner]
            refuse_if(amount > cap["a"], "CAP_AMOUNT")
            refuse_if(sum(s["count"] for s in spent) + 1 > cap["n"], "CAP_COUNT")
            refuse_if(sum(s["sum"] for s in spent) + amount > cap["b"], "CAP_TOTAL")

    def ccq(self, text: str, c: Json) -> str:
        """The order of CCQ, as far as no database is needed."""
        raw, n = read_ccq(text, c["fields"])
        owner, printed = (n["issuer"], n["terminalNo"]), n["purpose"] == 3
        refuse_if(n["issuer"] not in c["issuers"], "ISSUER_NOT_ACCEPTED")
        own = [t for t in c["terminals"] if (t["issuer"], t["terminalNo"]) == owner]
        refuse_if(not own, "TERMINAL_UNKNOWN")
        keys = [t for t in own if t.get("keyNo") == n["keyNo"]]
        if printed:
            keys = [find_key(c, n["issuer"], n["keyNo"], n["createdAt"], "ANSWER")]
        refuse_if(not keys, "KEY_UNKNOWN")
        refuse_if(not signed(keys[0]["publicKey"], b"ccq1" + raw[:23], raw[23:]), "SIGNATURE")
        refuse_if(not printed and not outstanding_digest(text, c), "CHALLENGE_EXPIRED")
        return "ACCEPTED"

    def ccr(self, text: str, c: Json) -> str:
        """The order of CCR; nothing but an outcome is an answer."""
        raw, asked = base45(text, "CCR:", 154), c["outstanding"]
        n = decode(raw, CCR, "outcome", c["fields"])
        refuse_if(not 1 <= n["outcome"] <= 5 or not WORDS.fullmatch(raw[22:36]), "MALFORMED")
        key = find_key(c, n["issuer"], n["kid"], n["answeredAt"], "ANSWER", "EDGE")
        refuse_if(not signed(key["publicKey"], b"ccr1" + raw[:36], raw[36:]), "SIGNATURE")
        refuse_if(any(n[name] != c["mine"][name] for name in c["mine"]), "NOT_MINE")
        refuse_if(any(n[each] != asked[each] for each in ("batchNo", "seqNo")), "NOT_OUTSTANDING")
        approved, age = n["outcome"] == 1, n["answeredAt"] - asked["createdAt"]
        refuse_if(approved and n["minorAmount"] != asked["amount"], "AMOUNT_MISMATCH")
        in_time = -c["skew"] <= age <= asked["life"] + c["skew"]
        refuse_if(c["scanned"] and not in_time, "RECEIPT_EXPIRED")
        return OUTCOMES[n["outcome"]]

    def t1(self, text: str, c: Json) -> str:
        """The order of T1; `aliases` are those that are good now."""
        refuse_if(not re.fullmatch(r"90[0-9]{18}", text), "FORMAT")
        issuer, alias, shown = text[2:5], text[5:12], text[12:]
        refuse_if(int(issuer) not in c["issuers"], "ISSUER_NOT_ACCEPTED")
        refuse_if(alias not in c["aliases"], "ALIAS_UNKNOWN")
        refuse_if(alias in c["locked"], "ALIAS_LOCKED")
        key, now = bytes.fromhex(c["aliases"][alias]), c["now"] // 30
        macs = [hmac.digest(key, pack(">Q", step), "sha256") for step in (now - 1, now, now + 1)]
        good = [(unpack_from(">I", mac, mac[31] & 15)[0] & 0x7FFFFFFF) % 10**8 for mac in macs]
        refuse_if(int(shown) not in good, "TOTP_WRONG")
        return "ACCEPTED"

    def hkdf(self, text: str, c: Json) -> str:
        """The T1 key of a device: HKDF-SHA-256 (RFC 5869) with an empty salt, one block."""
        info = b"cct1k" + bytes.fromhex(c["deviceId"].replace("-", "")) + pack(">I", c["version"])
        key = hmac.digest(bytes(32), bytes.fromhex(c["schoolKey"]), "sha256")
        right = hmac.digest(key, info + b"\1", "sha256").hex() == text
        return "ACCEPTED" if right else "T1_KEY_WRONG"

    def water(self, text: str, c: Json) -> str:
        message = pack(">4sIBIB", b"ccw1", c["group"], c["unit"], c["slotStart"], c["seq"])
        mac = hmac.digest(bytes.fromhex(c["key"]), message, "sha256")
        code = f"{int.from_bytes(mac[:8], 'big') % 10**8:08}"
        return "ACCEPTED" if code == text else "CODE8_WRONG"

    def key(self, text: str, _: Json) -> str:
        good = len(text) == 64 and crypto_core_ed25519_is_valid_point(bytes.fromhex(text))
        return "ACCEPTED" if good else "DEVICE_KEY_INVALID"

    def signature(self, text: str, c: Json) -> str:
        good = signed(c["publicKey"], bytes.fromhex(c["message"]), bytes.fromhex(text))
        return "ACCEPTED" if good else "SIGNATURE"

    def record(self, text: str, c: Json) -> str:
        """An offline record: its texts, its place in the chain, the terminal's signature."""
        raw = bytes.fromhex(text)
        previous = bytes.fromhex(c["previous"] or sha256(b"cci0" + raw[:9]).hexdigest())
        message = b"ccis" + sha256(b"cci1" + previous + raw).digest()
        texts = strip(c["presented"]).encode(), strip(c["challenge"] or "").encode()
        refuse_if(raw[30:] != b"".join(sha256(t).digest() for t in texts), "RECORD_SIGNATURE")
        good = signed(c["publicKey"], message, bytes.fromhex(c["itemSignature"]))
        return "ACCEPTED" if good else "RECORD_SIGNATURE"

    def request(self, body: str, c: Json) -> str:
        """A signed request: exactly one form of RFC 9421."""
        refuse_if(len(body.encode()) > 65_536, "BODY_TOO_LARGE")
        said = SIGNED_REQUEST.fullmatch("\n".join(c["headers"].get(name, "") for name in HEADERS))
        part = said.groupdict() if said else {"own": ""}
        refuse_if(not said or part["own"] != part["terminal"], "HEADER_INVALID")
        who = int(part["issuer"]), int(part["own"]), int(part["number"])
        refuse_if(who[0] >> 16 or who[1] >> 32 or who[2] >> 8, "HEADER_INVALID")
        known = [t for t in c["terminals"] if (t["issuer"], t["terminalNo"], t["keyNo"]) == who]
        refuse_if(not known, "KEY_UNKNOWN")
        digest = f"sha-256=:{b64encode(sha256(body.encode()).digest()).decode()}:"
        refuse_if(part["digest"] != digest, "DIGEST_MISMATCH")
        base = f'"@method": POST\n"@path": /graphql\n"content-digest": {digest}\n'
        base += f'"idempotency-key": {part["key"]}\n"@signature-params": {part["params"]}'
        good = signed(known[0]["publicKey"], base.encode(), b64decode(part["made"]))
        refuse_if(not good, "SIGNATURE_INVALID")
        refuse_if(abs(c["now"] - int(part["created"])) > 120, "CLOCK_SKEW")
        refuse_if(part["nonce"] in c["nonces"], "NONCE_REUSED")
        refuse_if(known[0].get("locked"), "TERMINAL_LOCKED")
        named = {"batchNo": int(part["batch"]), "seqNo": int(part["seq"])}
        refuse_if(json.loads(body)["variables"]["input"]["key"] != named, "KEY_MISMATCH")
        return "ACCEPTED"


def judge(case: Json) -> str:
    """The verdict on a case; a body is judged as sent, every other text is stripped."""
    text = case["text"] if case["type"] == "REQUEST" else strip(case["text"])
    try:
        return str(
            getattr(Verdicts(), case["type"].lower())(text, DEFAULTS | case | case["context"])
        )
    except Refusal as refusal:
        return str(refusal)


if __name__ == "__main__":
    with fileinput.input(encoding="utf-8") as lines:
        print(*(f"{each['id']}\t{judge(each)}" for each in map(json.loads, lines)), sep="\n")
