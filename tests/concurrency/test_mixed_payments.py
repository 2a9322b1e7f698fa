"""Many tills on two app processes, all at once: the books hold and nobody waits for ever."""

import asyncio

from core.authorisation.records import Answer, PurchaseRequest
from tests.factories.canteen import Canteen, Holder, key_of


async def busy(canteen: Canteen, holders: list[Holder], actor: int) -> list[tuple[str, Answer]]:
    """One till's day: buy, repeat, hold, capture, void, refund, with cardholders of all tills."""
    heard = []
    for turn in range(12):
        process = (actor + turn) % 2
        holder = holders[(actor * 7 + turn * 3) % len(holders)]
        request = canteen.purchase(holder, 10 + turn, manual=turn % 3 == 0)
        answers = await asyncio.gather(
            canteen.authorise(request, process), canteen.authorise(request, 1 - process)
        )
        assert len({a.signed_answer for a in answers}) == 1
        heard.append(("AUTHORISE", answers[0]))
        if turn % 3 == 0:
            operation = "CAPTURE" if turn % 2 else "VOID"
        else:
            operation = "REFUND" if turn % 2 else "VOID"
        amount = 0 if operation == "VOID" else 5
        follow = canteen.follow(operation, request, amount)
        heard.append((operation, await canteen.answer(follow, 1 - process)))
    return heard


async def test_everything_at_once_leaves_sound_books(canteen: Canteen) -> None:
    holders = [await canteen.holder(main_minor=60, subsidy_minor=20) for _ in range(6)]
    async with asyncio.timeout(60):
        days = await asyncio.gather(*(busy(canteen, holders, actor) for actor in range(10)))
    heard = [entry for day in days for entry in day]
    codes = {(operation, answer.response_code) for operation, answer in heard}
    assert {("AUTHORISE", "00"), ("AUTHORISE", "51"), ("CAPTURE", "00"), ("REFUND", "00")} <= codes
    assert await canteen.broken() == {}
    assert (await canteen.ledger.trial_balance(canteen.school_id)).total_minor == 0


async def test_a_caller_who_leaves_does_not_stop_the_purchase(canteen: Canteen) -> None:
    holder = await canteen.holder(1000)
    requests: list[PurchaseRequest] = [canteen.purchase(holder, 10) for _ in range(10)]
    asked = [asyncio.create_task(canteen.authorise(request)) for request in requests]
    await asyncio.sleep(0)
    for task in asked:
        task.cancel()
    await asyncio.gather(*asked, return_exceptions=True)
    answers = [await canteen.authorise(canteen.retry(request)) for request in requests]
    assert {answer.response_code for answer in answers} == {"00"}
    assert await canteen.funds(holder) == (900, 900)
    status = await canteen.authorisations.status(canteen.school_id, key_of(requests[0]))
    assert status.state == "CAPTURED"
    assert await canteen.broken() == {}
