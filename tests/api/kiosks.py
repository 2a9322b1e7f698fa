"""What a kiosk asks and is answered, and what staff see of its fees."""

from typing import Any

from tests.api.campus import Campus
from tests.api.claims import NEW_UID, job_of, pin_block
from tests.api.devices import SCHOOL, Till
from tests.api.sample import ALICE


async def begin(kiosk: Till, presented: str, uid: str = NEW_UID, **given: Any) -> Any:
    """The job of a replacement."""
    key = given.pop("key", None) or kiosk.next_key()
    given = {
        "key": key, "presented": presented, "newUid": uid, "pinBlock": pin_block(kiosk, key),
        **given,
    }  # fmt: skip
    return await job_of(kiosk, "kioskReplace", given)


async def report(kiosk: Till, job_id: str, result: str, **given: Any) -> Any:
    """The answer to a report."""
    return await job_of(kiosk, "kioskVendReport", {"jobId": job_id, "result": result, **given})


async def main(campus: Campus) -> int:
    """What the holder's purse has."""
    holder_id = await campus.id_of(ALICE.number)
    balances = await campus.wired.services.ledger.balances(SCHOOL, holder_id)
    return balances.available_minor


async def fees_owed(campus: Campus, token: str) -> Any:
    """What staff see of open fees."""
    owed_fields = "terminalNo fee { minorAmount } retrievalReference"
    query = f"{{ viewer {{ staff {{ feesOwed {{ {owed_fields} }} }} }} }}"
    return (await campus.query(query, token))["data"]["viewer"]["staff"]["feesOwed"]
