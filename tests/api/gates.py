"""Gates of a campus: terminals with a door, and what they ask and tell."""

from dataclasses import replace
from typing import Any

from core.entry.records import Door, DoorScene, Passback
from core.kit.clock import unix_seconds
from tests.api.campus import Campus
from tests.api.devices import SCHOOL, Till
from tests.api.sample import OPERATOR

NORTH = Door(0, 1, "北门", "North gate", "campus", Passback.OFF, DoorScene.GATE, True)
ENTRY = """entry { outcome responseCode responseName text textZh textEn action reason answeredAt
    replayed signedAnswer hasPhoto balance { minorAmount }
    holder { maskedName name number holderClass } }"""
RESULTS = "results { seqNo verdict reason flags }"
ROWS = ("entry_answer", "passage", "zone_presence", "entry_event")


async def gate_at(campus: Campus, scene: DoorScene = DoorScene.GATE, **facts: Any) -> Till:
    """A terminal with door 1."""
    gate = await campus.till(scene)
    door = replace(NORTH, terminal_no=gate.number, scene=scene, **facts)
    await campus.wired.services.doors.put(SCHOOL, door, OPERATOR, keep_passback=False)
    return gate


async def enter(gate: Till, presented: str, direction: str = "IN", **given: Any) -> Any:
    """The entry that a gate is answered."""
    given = {
        "key": gate.next_key(), "presented": presented, "doorNo": 1, "direction": direction,
        **given,
    }  # fmt: skip
    payload = await gate.ask("entryAuthorise", given, ENTRY)
    assert payload["userErrors"] == []
    return payload["entry"]


def event(gate: Till, presented: str, **given: Any) -> dict[str, Any]:
    """Something that happened at a gate just now, without a line."""
    return {
        "seqNo": gate.next_key()["seqNo"],
        "presented": presented,
        "doorNo": 1,
        "direction": "IN",
        "createdAt": unix_seconds(gate.campus.clock.now()),
        **given,
    }


async def upload(gate: Till, *items: dict[str, Any]) -> Any:
    """The payload of an upload."""
    given = {"key": gate.next_key(0), "batchNo": 1, "items": list(items)}
    return await gate.ask("entryEventsUpload", given, RESULTS)


async def told(gate: Till, *items: dict[str, Any]) -> list[tuple[str, str | None]]:
    """Verdict and reason of each event."""
    payload = await upload(gate, *items)
    assert payload["userErrors"] == []
    assert [each["seqNo"] for each in payload["results"]] == [item["seqNo"] for item in items]
    return [(each["verdict"], each["reason"]) for each in payload["results"]]
