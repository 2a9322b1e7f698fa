"""The terminal under a cash register: one line asks, one line answers."""

import io
import json
from typing import Any

import pytest

from clients.endpoint import Endpoint
from clients.terminal.journal import Journal
from clients.terminal.pipe import Pipe
from clients.terminal.receipt import Patience
from tests.unit.clients.conftest import Counter
from tests.unit.clients.outage import code, cut, prepare, restore

SHORT = Patience(budget_seconds=0.02, pause_seconds=0.002, status_tries=1)
BEFORE: dict[str, Any] = {"settled": []}


async def answers(counter: Counter, *asks: Any, journal: Journal | None = None) -> list[Any]:
    """What it says to each, after what it says at its start."""
    pipe = Pipe(
        journal or counter.journal, Endpoint(counter.http), lambda: counter.clock_seconds, SHORT,
        "en",
    )  # fmt: skip
    said = io.StringIO()
    lines = [ask if isinstance(ask, str) else json.dumps(ask) for ask in asks]
    await pipe.run(io.StringIO("".join(f"{line}\n" for line in lines)), said)
    return [json.loads(line) for line in said.getvalue().splitlines()]


def sell(number: int = 1, amount: int = 500) -> dict[str, Any]:
    return {"do": "sell", "code": code(number), "amount": amount}


async def test_register_sells_undoes_and_closes(counter: Counter) -> None:
    started, sold, last, state, undone, closed = await answers(
        counter, sell(), {"do": "last"}, {"do": "state"},
        {"do": "void", "batchNo": 1, "seqNo": 1}, {"do": "close"},
    )  # fmt: skip
    assert started == BEFORE
    assert sold["text"].startswith("42.1.1  ¥5.00  00  Approved")
    assert (sold["approved"], sold["offline"], sold["responseCode"]) == (True, False, "00")
    assert last == {
        "batchNo": 1, "seqNo": 1, "code": code(), "amount": 500, "outcome": "APPROVED",
        "offline": False,
    }  # fmt: skip
    assert (state["batchNo"], state["open"], state["waiting"]) == (1, 0, 0)
    assert (undone["operation"], undone["approved"]) == ("VOID", True)
    assert closed == {"batchNo": 1, "net": 0}


async def test_register_sells_without_a_network_and_uploads_later(counter: Counter) -> None:
    await prepare(counter)
    _, sold, again, last = await answers(counter, sell(), sell(), {"do": "last"})
    assert (sold["approved"], sold["offline"], sold["outcome"]) == (True, True, None)
    assert again == {"error": "CodeTaken"}
    assert (last["seqNo"], last["outcome"], last["offline"]) == (1, "APPROVED", True)
    cut(counter, "LOSE_ANSWER", "OfflineBatchUpload")
    _, unheard = await answers(counter, {"do": "upload"})
    assert unheard["error"] == "NoAnswer"
    restore(counter)
    _, beat, uploaded, settled = await answers(
        counter, {"do": "beat"}, {"do": "upload"}, {"do": "settle"}
    )
    assert beat["directives"] == ["UPLOAD"]
    (judged,) = uploaded["judged"]
    assert (judged["seqNo"], judged["amount"], judged["verdict"]) == (1, 500, "ACCEPTED")
    assert settled == BEFORE


async def test_register_hears_what_was_open_and_what_keeps_a_batch_open(counter: Counter) -> None:
    counter.server.fault = lambda _operation: "LOSE_REQUEST"
    _, refused, closed = await answers(counter, sell(), {"do": "close"})
    assert (refused["approved"], refused["outcome"]) == (False, None)
    assert closed == {"batchNo": 1, "net": None, "result": None}
    restore(counter)
    (started,) = await answers(counter)
    assert [each["operation"] for each in started["settled"]] == ["VOID"]


@pytest.mark.parametrize(("ask", "error"), [
    ("no JSON", "QuestionWrong"), ("[]", "QuestionWrong"), ({"do": "dance"}, "QuestionWrong"),
    ({"do": "sell"}, "QuestionWrong"), ({"do": "void", "batchNo": 9, "seqNo": 9}, "RequestUnknown"),
    ({"do": "flush", "batchNo": 9, "seqNo": 9, "units": 1}, "RequestUnknown"),
])  # fmt: skip
async def test_wrong_question_is_answered_and_the_next_one_too(
    counter: Counter, ask: Any, error: str
) -> None:
    _, wrong, state = await answers(counter, ask, {"do": "state"})
    assert wrong["error"] == error
    assert state["batchNo"] == 1


async def test_last_of_a_till_that_sold_nothing_is_nothing(counter: Counter) -> None:
    assert await answers(counter, {"do": "last"}) == [BEFORE, {}]


async def test_register_shows_a_code_looks_for_its_payment_and_gives_it_up(
    counter: Counter,
) -> None:
    await prepare(counter)
    restore(counter)
    _, shown, waits, refused, ended, gone = await answers(
        counter, {"do": "show", "amount": 700}, {"do": "look"}, {"do": "take", "text": "CCR:NONE"},
        {"do": "giveUp"}, {"do": "look"},
    )  # fmt: skip
    assert shown["text"].startswith("CCQ:")
    assert waits == {"waits": True}
    assert refused["error"] == "ReceiptRefused"
    assert (ended["seqNo"], ended["approved"], ended["outcome"]) == (1, False, "VOIDED")
    assert gone == {"error": "RequestUnknown"}


async def test_register_undoes_alone_and_hears_why_a_code_is_refused(counter: Counter) -> None:
    await prepare(counter)
    _, sold, undone, refused = await answers(
        counter, sell(), {"do": "void", "batchNo": 1, "seqNo": 1}, sell(2, 2_001)
    )
    assert sold["offline"]
    assert (undone["seqNo"], undone["approved"], undone["offline"]) == (2, True, True)
    assert (refused["approved"], refused["refusal"]) == (False, "CAP_AMOUNT")
