"""The meters of the terminal: what they may know, what a start holds, and what a stop takes."""

from dataclasses import replace

from bff.conformance.books import Books, Kept, Purchase, instrument_of
from bff.conformance.contract import Json
from bff.conformance.device_keys import DeviceKeys
from bff.conformance.evidence import Event
from bff.conformance.school import (
    GROUP_NO,
    METER_NO,
    PER_UNITS,
    PRICE_MINOR,
    SLOT_SECONDS,
    SLOTS,
    STALL,
    UNITS_MAXIMUM,
    School,
    base64,
    reference_of,
)
from bff.conformance.steps import Step
from core.authorisation.lifecycle import capture_code
from terminals import water
from terminals.ccr import Outcome
from terminals.codes import strip
from terminals.message import RequestKey

MAXIMUM_MINOR = UNITS_MAXIMUM * PRICE_MINOR // PER_UNITS
_TARIFF = {
    "price": {"minorAmount": PRICE_MINOR},
    "perUnits": PER_UNITS,
    "maximumUnits": UNITS_MAXIMUM,
    "maximum": {"minorAmount": MAXIMUM_MINOR},
}


class Meters:
    """Answers `meterSync`, `meterStart` and `meterStop`; `steps` is what is wanted with a code."""

    def __init__(
        self, school: School, books: Books, steps: dict[str, Step], keys: DeviceKeys
    ) -> None:
        self._school = school
        self._books = books
        self._steps = steps
        self._keys = keys

    def sync(self, event: Event, _now: int) -> tuple[Json, Event]:
        """The only meter, and the key of its codes for this terminal alone."""
        newest = self._keys.by_number[self._keys.newest_no]
        meter = {
            "meterNo": METER_NO,
            "groupNo": GROUP_NO,
            "stall": STALL,
            "kind": "SHOWER",
            "firstSlotAt": self._school.first_slot_at,
            "slotCount": SLOTS,
            "slotSeconds": SLOT_SECONDS,
            "sealedKey": base64(water.seal_key(self._school.water_key, newest)),
            "tariff": _TARIFF,
        }
        return {"meters": [meter], "userErrors": []}, replace(event, told={"meters": 1})

    def start(self, event: Event, now: int) -> Kept:
        """Holds the most that a slot may cost."""
        key, given = event.key, event.given
        assert key is not None
        text = code_of(event)
        step = self._steps.get(text)
        code = step.answer if step is not None else "M1"
        if key in self._books.voided:
            code = "22"
        elif given["meterNo"] != METER_NO:
            code = "58"
        elif code == "00" and self._books.is_spent(text, key):
            code = "C1"
        if code != "00":
            return self._kept(Outcome.DECLINED, key, MAXIMUM_MINOR, code, now)
        kind = water.WATER if given["code8"] is not None else instrument_of(text)
        held = Purchase(key, MAXIMUM_MINOR, text, kind, is_held=True)
        self._books.purchases[key] = held
        return self._kept(Outcome.APPROVED, key, MAXIMUM_MINOR, "00", now)

    def stop(self, event: Event, now: int) -> Kept:
        """Takes what ran; where nothing did, the start is undone."""
        key, original, given = event.key, event.original, event.given
        assert key is not None
        assert original is not None
        minor, held = given["minorAmount"] or 0, self._books.purchases.get(original)
        code = capture_code(held.facts() if held else None, minor)
        if code == "00" and cost_of(given["units"]) != minor:
            code = "64"
        if code != "00" or held is None:
            return self._kept(Outcome.DECLINED, key, minor, code, now)
        if minor == 0:
            self._books.void(original)
            return self._kept(Outcome.VOIDED, original, 0, "00", now)
        held.is_held, held.is_paid, held.minor_amount = False, True, minor
        return self._kept(Outcome.APPROVED, key, minor, "00", now)

    def run(self, now: int) -> Json:
        """What a start tells of the water that may run by it."""
        past = (now - self._school.first_slot_at) % SLOT_SECONDS
        return {
            "meterNo": METER_NO,
            "startedAt": now,
            "endsAt": now - past + SLOT_SECONDS,
            "late": False,
            "tariff": _TARIFF,
        }

    def _kept(self, outcome: Outcome, key: RequestKey, minor: int, code: str, now: int) -> Kept:
        signed = self._school.answer(outcome, key, minor, code, now)
        return Kept(outcome, code, minor, signed, reference_of(key))


def code_of(event: Event) -> str:
    """What was typed or scanned."""
    return event.given["code8"] or strip(event.given["presented"] or "")


def content_of_start(event: Event) -> tuple[object, ...]:
    """What a repeat has to ask for again; when it began alone is told only later."""
    return "MeterStart", event.given["meterNo"], code_of(event)


def content_of_stop(event: Event) -> tuple[object, ...]:
    """What a repeat has to ask for again."""
    given = event.given
    return "MeterStop", event.original, given["units"], given["minorAmount"]


def cost_of(units: int) -> int:
    """What so many units cost, in fen."""
    return min(max(units, 0), UNITS_MAXIMUM) * PRICE_MINOR // PER_UNITS
