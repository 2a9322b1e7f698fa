"""The planted defects of signing in: what each replaces, and which invariants must notice."""

from tests.faults.defects.defect import Defect

_CACHE = frozenset({"flush_cache", "kill_cache", "stall_cache", "cache_cut", "cache_hole"})
_PROVIDER = frozenset({"provider_reset", "provider_html_502", "provider_gone", "provider_cut"})

DOOR_DEFECTS = {
    "code_without_compare": Defect(
        "a sign-on's code is taken without comparing session and secret",
        frozenset({"D1", "D5"}),
        is_patched=True,
        seen_at=frozenset({"steal"}),
    ),
    "code_taken_twice": Defect(
        "what is good once is read from the cache and left there",
        frozenset({"D5"}),
        is_patched=True,
        seen_at=frozenset({"come_in", "redeem_twice"}),
    ),
    "binding_not_unique": Defect(
        "a sign-in may have two bindings",
        frozenset({"D2"}),
        sql="DROP INDEX binding_subject; DROP INDEX binding_owner",
        is_patched=True,
        seen_at=frozenset({"bind_twice", "leave"}),
    ),
    "tries_in_cache": Defect(
        "tries are counted in the cache, and not while it is away",
        frozenset({"D7"}),
        is_patched=True,
        seen_at=frozenset({"guess"}),
        shown_by=_CACHE,
    ),
    "tries_counted_late": Defect(
        "a try is counted after it was allowed",
        frozenset({"D7"}),
        is_patched=True,
        seen_at=frozenset({"guess_by_hundreds"}),
    ),
    "session_of_another": Defect(
        "two who sign in at once are given one session",
        frozenset({"D1"}),
        is_patched=True,
        seen_at=frozenset({"come_in", "come_by_two"}),
    ),
    "stale_answer_accepted": Defect(
        "a provider's last answer stands in while it does not answer",
        frozenset({"D1"}),
        is_patched=True,
        seen_at=frozenset({"come_in"}),
        shown_by=_PROVIDER,
    ),
    "session_outlives_binding": Defect(
        "a session is opened under a binding that is being ended",
        frozenset({"D4"}),
        is_patched=True,
        seen_at=frozenset({"leave"}),
    ),
    "others_signed_out": Defect(
        "whoever binds signs others out",
        frozenset({"D11"}),
        is_patched=True,
        seen_at=frozenset({"come_in", "leave"}),
    ),
    "names_logged": Defect(
        "a form is logged", frozenset({"D10"}), is_patched=True, seen_at=frozenset({"come_in"})
    ),
}
