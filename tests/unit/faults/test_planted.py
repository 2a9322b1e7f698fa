"""The planted defects: each still finds what it replaces, before anybody waits for a run."""

from pathlib import Path

import pytest

import core.db.migrations
from tests.faults.bank.faults import KINDS
from tests.faults.bank.guesses import guess_by_hundreds
from tests.faults.bank.visits import VISITS
from tests.faults.bank.weather import OUTAGES
from tests.faults.defects.patches import PATCHES
from tests.faults.defects.planted import DEFECTS

PAYMENT = Path(core.db.migrations.__file__).parent / "m0006_payment.sql"


@pytest.mark.parametrize("name", DEFECTS)
def test_each_edit_finds_its_text_once_in_the_payment_function(name: str) -> None:
    _, _, rest = PAYMENT.read_text().partition("CREATE FUNCTION purchase_authorise(")
    source = rest.partition("END $$;")[0]
    for old, new in DEFECTS[name].edits:
        assert source.count(old) == 1, old
        source = source.replace(old, new)


def test_each_patch_belongs_to_a_defect_and_each_fault_exists() -> None:
    assert {name for name, defect in DEFECTS.items() if defect.is_patched} == set(PATCHES)
    kinds = {kind.__name__ for kind in (*KINDS, *OUTAGES)}
    assert all(defect.shown_by <= kinds for defect in DEFECTS.values())
    scenes = {scene.__name__ for scene in (*VISITS, guess_by_hundreds)}
    assert all(defect.seen_at <= scenes for defect in DEFECTS.values())
