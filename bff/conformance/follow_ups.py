"""What follows a purchase (captures, refunds), and who it would be of (look-ups)."""

from dataclasses import replace

from bff.conformance.books import MERCHANT, Books, Kept, Purchase
from bff.conformance.contract import Json
from bff.conformance.evidence import Event
from bff.conformance.school import BALANCE_MINOR, FOREIGN_REFERENCE, HOLDER, School, reference_of
from bff.conformance.steps import Step
from core.authorisation.lifecycle import capture_code, refund_code
from core.kit.clock import from_unix
from terminals.ccr import NO_REFERENCE, Outcome
from terminals.scenes import Scene, view


class FollowUps:
    """Decides by the core's own rules."""

    def __init__(self, school: School, books: Books) -> None:
        self._school = school
        self._books = books

    def capture(self, event: Event, now: int) -> Kept:
        """Takes a held purchase or a part of it; the rest is released."""
        assert event.original is not None
        found, minor = self._books.purchases.get(event.original), event.given["minorAmount"]
        code = capture_code(found.facts() if found else None, minor)
        if code == "00" and found is not None:
            found.is_held, found.is_paid, found.minor_amount = False, True, minor
        return self._kept(event, code, now)

    def refund(self, event: Event, now: int) -> Kept | None:
        """Gives back; None if no purchase has the reference that it names."""
        reference, minor = event.given["retrievalReference"], event.given["minorAmount"]
        if reference == FOREIGN_REFERENCE:
            return self._kept(event, "25", now)
        found = self._original(event, reference)
        if reference is not None and found is None:
            return None
        code = refund_code(found.facts() if found else None, MERCHANT, minor)
        if code == "00" and found is not None and event.key is not None:
            found.refunded_minor += minor
            self._books.refunds[event.key] = minor
        return self._kept(event, code, now)

    def look_up(self, event: Event, step: Step | None, now: int) -> tuple[Json, Event]:
        """The response code and what the scene may see; nothing is spent."""
        code = "C2" if step is None else step.answer
        told: Json = {"responseCode": code, "userErrors": []}
        if code == "00":
            seen = view(Scene[event.given["scene"]], HOLDER)
            told["holder"] = {
                "maskedName": seen.masked_name,
                "name": seen.name,
                "number": seen.number,
                "holderClass": None,
            }
            if seen.shows_balance:
                told |= {
                    "balance": {"minorAmount": BALANCE_MINOR},
                    "asOf": from_unix(now).isoformat(),
                }
        return told, replace(event, response=code, told=told)

    def _original(self, event: Event, reference: str | None) -> Purchase | None:
        if reference is None:
            return self._books.purchases.get(event.original) if event.original else None
        purchases = self._books.purchases.values()
        return next((each for each in purchases if reference_of(each.key) == reference), None)

    def _kept(self, event: Event, code: str, now: int) -> Kept:
        key, minor = event.key, event.given["minorAmount"]
        assert key is not None
        outcome = Outcome.APPROVED if code == "00" else Outcome.DECLINED
        reference = reference_of(key) if code == "00" else NO_REFERENCE
        signed = self._school.answer(outcome, key, minor, code, now)
        return Kept(outcome, code, minor, signed, reference)


def content_of(event: Event) -> tuple[object, ...]:
    """What a repeat of the key has to ask for again."""
    given = event.given
    reference = given.get("retrievalReference")
    return event.operation, event.original or reference, given["minorAmount"]
