"""The scan field: what is stripped, and whose text it is."""

import pytest

from terminals.codes import CodeRefusal, Instrument, classify, strip
from tests.unit.terminals import samples


@pytest.mark.parametrize(
    ("read", "stripped"),
    [
        ("CC1\r\n", "CC1"),
        ("CC1\r", "CC1"),
        ("CC1\n", "CC1"),
        ("CC1\t", "CC1"),
        ("CC1\n\r", "CC1\n"),
        ("CC1\r\r", "CC1\r"),
        ("CC1\r\n\r\n", "CC1\r\n"),
        ("CC1 ", "CC1 "),
        (" CC1", " CC1"),
        ("CC1", "CC1"),
        ("", ""),
    ],
)
def test_exactly_one_line_end_is_stripped(read: str, stripped: str) -> None:
    assert strip(read) == stripped


@pytest.mark.parametrize(
    ("text", "instrument"),
    [
        (samples.VECTOR_1, Instrument.PRESENTATION),
        (samples.VECTOR_2, Instrument.CHALLENGE),
        (samples.VECTOR_4, Instrument.SIGNED_ANSWER),
        ("91000123456741308885", Instrument.ONLINE_TOKEN),
        ("90000123456741308885", Instrument.OFFLINE_DIGITS),
        ("10" + 16 * "1", Instrument.WECHAT_WALLET),
        ("15" + 16 * "1", Instrument.WECHAT_WALLET),
        ("16" + 16 * "1", CodeRefusal.FORMAT),
        ("10" + 17 * "1", CodeRefusal.FORMAT),
        ("25" + 14 * "1", Instrument.ALIPAY_WALLET),
        ("30" + 22 * "1", Instrument.ALIPAY_WALLET),
        ("25" + 13 * "1", CodeRefusal.FORMAT),
        ("30" + 23 * "1", CodeRefusal.FORMAT),
        ("24" + 14 * "1", CodeRefusal.FORMAT),
        ("31" + 14 * "1", CodeRefusal.FORMAT),
        ("62" + 17 * "1", Instrument.UNIONPAY_WALLET),
        ("62" + 16 * "1", CodeRefusal.FORMAT),
        ("12345678901234567890SO", Instrument.SYNJONES),
        ("12345678901234567890SP", Instrument.SYNJONES),
        ("12345678901234567890SX", CodeRefusal.FORMAT),
        ("CARD:04a1b2c3", Instrument.PHYSICAL_CARD),
        ("CARD:04A1B2C3:17", Instrument.PHYSICAL_CARD),
        ("CARD:04a1b2c3:17:00ff", Instrument.PHYSICAL_CARD),
        ("CARD:04a1b2c3::00ff", CodeRefusal.FORMAT),
        ("CARD:", CodeRefusal.FORMAT),
        ("NFC:6217001234", Instrument.TRANSIT_CARD),
        ("FACE:Zx9_-", Instrument.FACE),
        ("https://card.example/c/9?x=1", Instrument.REGISTERED_URL),
        ("https://card.example", Instrument.REGISTERED_URL),
        ("https://card.example:8443/c", Instrument.REGISTERED_URL),
        ("http://card.example/c", CodeRefusal.FORMAT),
        ("https://other.example/c", CodeRefusal.FORMAT),
        ("https://card.example:pw@other.example/c", CodeRefusal.FORMAT),
        ("https://card.example@other.example/c", CodeRefusal.FORMAT),
        ("٩١" + 18 * "٠", CodeRefusal.FORMAT),
        ("91" + 18 * "１", CodeRefusal.FORMAT),
        ("91" + 18 * "1" + "\n", CodeRefusal.FORMAT),
        ("cc1:" + 275 * "0", CodeRefusal.FORMAT),
        ("", CodeRefusal.FORMAT),
    ],
)
def test_the_first_match_decides_whose_text_it_is(
    text: str, instrument: Instrument | CodeRefusal
) -> None:
    assert classify(text, hosts={"card.example"}) is instrument
