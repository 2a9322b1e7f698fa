"""Planted defects of doors, offline records, payers and closed batches."""

from dataclasses import replace
from typing import Any

from core.authorisation.service.scans import Scans
from terminals import uploads, verdicts
from tests.faults.defects.defect import Defect


def verdict_told_anew() -> None:
    """A record that comes again hears that it did, and not its first verdict."""

    def forgetful(*given: Any) -> Any:
        return replace(verdicts.judge(*given), first=None)

    setattr(uploads, "judge", forgetful)  # noqa: B010 - the defect; its type is another


def payer_hears_another() -> None:
    """The receipt of a repeat is of another sale."""
    repeated = Scans.repeated

    async def mistaken(self: Scans, *given: Any) -> Any:
        answer = await repeated(self, *given)
        return answer and replace(answer, signed_answer=f"{answer.signed_answer}0")

    Scans.repeated = mistaken  # type: ignore[assignment,method-assign]  # the defect


TERMINAL_PATCHES = (verdict_told_anew, payer_hears_another)

TERMINAL_DEFECTS: dict[str, Defect] = {
    "verdict_told_anew": Defect(
        "a record that comes again does not hear its first verdict",
        frozenset({"R2"}),
        is_patched=True,
    ),
    "passage_forgotten": Defect(
        "a door opens and the passage is not kept",
        frozenset({"R1"}),
        sql="""
        CREATE FUNCTION forget() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
          DELETE FROM passage p WHERE p.school_id = NEW.school_id AND p.id = NEW.id;
          RETURN NULL;
        END $$;
        CREATE TRIGGER forget AFTER INSERT ON passage
          FOR EACH ROW EXECUTE FUNCTION forget()
        """,
    ),
    "batch_padded": Defect(
        "a closed batch comes to more than its sales",
        frozenset({"R4"}),
        sql="""
        CREATE FUNCTION pad() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
          NEW.purchases_minor := NEW.purchases_minor + 1;
          NEW.net_minor := NEW.net_minor + 1;
          RETURN NEW;
        END $$;
        CREATE TRIGGER pad BEFORE INSERT ON settlement
          FOR EACH ROW EXECUTE FUNCTION pad()
        """,
    ),
    "payer_hears_another": Defect(
        "a payer who asks again is told another reference",
        frozenset({"R3"}),
        is_patched=True,
    ),
}
"""By name; the patched ones are `TERMINAL_PATCHES`."""
