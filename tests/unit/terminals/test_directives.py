"""What a heartbeat tells: SYNC to whoever is behind, LOCK to whoever is locked."""

import pytest

from core.school.records import DocumentKind
from terminals.directives import directives


@pytest.mark.parametrize(("is_locked", "held", "newest", "told"), [
    (False, 6, 7, ["SYNC"]),
    (False, 0, 1, ["SYNC"]),
    (False, 7, 7, []),
    (False, 8, 7, []),
    (False, 0, 0, []),
    (False, None, 7, []),
    (True, 6, 7, ["LOCK"]),
    (True, None, 0, ["LOCK"]),
])  # fmt: skip
def test_terminal_is_told_what_to_do(
    is_locked: bool, held: int | None, newest: int, told: list[str]
) -> None:
    for kind in DocumentKind:
        answer = directives(is_locked=is_locked, held={kind: held}, newest={kind: newest})
        assert answer == told


def test_one_old_document_is_enough_to_sync() -> None:
    keys, deny = DocumentKind.KEYS, DocumentKind.DENY
    newest = {keys: 3, deny: 9}
    assert directives(is_locked=False, held={keys: 3, deny: 8}, newest=newest) == ["SYNC"]
    assert directives(is_locked=False, held={keys: 3, deny: 9}, newest=newest) == []
    assert directives(is_locked=False, held={deny: 9}, newest={keys: 4}) == []


@pytest.mark.parametrize(("queue", "is_due", "told"), [
    (0, False, []), (1, False, ["UPLOAD"]), (0, True, ["CLOSE"]), (3, True, ["UPLOAD", "CLOSE"]),
])  # fmt: skip
def test_queue_is_uploaded_and_an_old_batch_closed(
    queue: int, is_due: bool, told: list[str]
) -> None:
    keys = DocumentKind.KEYS
    for behind in (False, True):
        newest = {keys: 2 if behind else 1}
        answer = directives(
            is_locked=False, held={keys: 1}, newest=newest, queue=queue, is_close_due=is_due
        )
        assert answer == (["SYNC"] if behind else []) + told
    locked = directives(is_locked=True, held={}, newest={}, queue=queue, is_close_due=is_due)
    assert locked == ["LOCK"]
