"""The rows of a bundle of offline records: read under lock in one statement, kept in another."""

from collections.abc import Sequence
from typing import Any

from core.authorisation.bundles import Bundle, Facts, Filed, Kept
from core.authorisation.offline import Claim, CodeUse, Known, PassFacts
from core.authorisation.records import Key
from core.authorisation.store.offline import stored_item
from core.db.unit import Unit
from core.limit.records import Spending


async def read(unit: Unit, bundle: Sequence[Filed]) -> list[Facts]:
    """The facts of each record, with the terminal and everybody's money lock held.

    The records are purchases by code, of one batch.
    """
    key = bundle[0].claim.key
    rows = await unit.rows(
        "SELECT * FROM bundle_facts($1, $2, $3, $4)",
        unit.school_id, key.terminal_no, key.batch_no, [_asked(each.claim) for each in bundle],
    )  # fmt: skip
    return [_facts(row) for row in rows]


def _asked(claim: Claim) -> tuple[object, ...]:
    """The fields of the SQL type `offline_claim`."""
    return (
        claim.key.seq_no, claim.previous_hash, claim.created_at, claim.deny_version, claim.serial,
        claim.cap_tag, claim.replay_key,
    )  # fmt: skip


def _facts(row: Any) -> Facts:  # noqa: ANN401 - a driver's row
    payer, user = row["cardholder_id"], row["used_terminal_no"]
    used = Key(user, row["used_batch_no"], row["used_seq_no"])
    return Facts(
        known=Known(
            stored=None if row["record"] is None else stored_item(row),
            operation=row["operation"],
            is_closed=row["is_closed"],
            code_use=None if user is None else CodeUse(used, is_reserved=False),
            is_same_code=row["is_same_code"],
            pass_facts=None if payer is None else PassFacts(
                payer, row["card_id"], row["revoked_at"], row["denied_in"], row["content"]
            ),
            acknowledged_version=row["acknowledged_version"],
            keys_published_at=row["keys_published_at"],
            newest_version=row["newest_version"],
            superseded_at=row["superseded_at"],
            spent_count=row["spent_count"],
            spent_minor=row["spent_minor"],
            previous_is_known=row["previous_is_known"],
            batch_began_at=row["batch_began_at"],
        ),
        is_ordinary=row["is_ordinary"],
        reserve_minor=row["reserve_minor"] or 0,
        spending=payer and Spending(payer, None, None, row["day"], row["day_minor"]),
        loss_account_id=row["loss_account_id"],
    )  # fmt: skip


async def keep(unit: Unit, first: Claim, bundle: Bundle) -> None:
    """Writes all that came of a bundle.

    Raises a serialization failure: a key or a code was taken meanwhile.
    """
    await unit.execute(
        "SELECT bundle_keep($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        unit.school_id, first.key.terminal_no, first.key.batch_no, bundle.now, bundle.links,
        [_kept(each) for each in bundle.kept],
        [paid for each in bundle.kept for paid in _paid(each)],
        [(payer, day.spent_on, day.spent_minor) for payer, day in bundle.days.items()],
        list(bundle.reserves.items()),
    )  # fmt: skip


def _kept(kept: Kept) -> tuple[object, ...]:
    """The fields of the SQL type `offline_kept`."""
    claim, settled = kept.claim, kept.settled
    judgement = settled.judgement
    return (
        claim.key.seq_no, claim.kind, claim.record, claim.record_hash, claim.previous_hash,
        claim.signature, claim.presented, claim.challenge, claim.after_timeout, claim.created_at,
        claim.amount_minor, settled.cardholder_id, claim.serial, claim.cap_tag, claim.replay_key,
        judgement.verdict, judgement.reason, sorted(judgement.flags),
        settled.retrieval_reference,
    )  # fmt: skip


def _paid(kept: Kept) -> list[tuple[object, ...]]:
    """The fields of the SQL type `offline_paid`, of a record that paid."""
    claim, paid = kept.claim, kept.paid
    if paid is None:
        return []
    holder, answer = paid.holder, paid.answer
    return [(
        claim.key.seq_no, claim.content_hash, answer.cardholder_id,
        holder and holder.card_id, claim.serial, claim.instrument, claim.scene,
        claim.merchant_account_id, claim.amount_minor, paid.transfer_ids,
        [source for source, _ in paid.shares], [share for _, share in paid.shares],
        claim.replay_key if paid.spends_code else None, answer.retrieval_reference,
        claim.business_on, answer.available_minor, answer.answer_kid, answer.signed_answer,
    )]  # fmt: skip
