"""The catalogue: every refusal of the core has its message in both languages, and no other."""

import importlib
import pkgutil
import string
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import core
import schema.catalogue
from core.kit.errors import IdempotencyConflict, Refusal
from schema.catalogue import ERRORS, REFUSALS, Message, refusal_text
from schema.errors import CodedError


def subclasses(kind: type[Exception]) -> Iterator[type[Exception]]:
    for each in kind.__subclasses__():
        yield each
        yield from subclasses(each)


def refusals_of_core() -> set[str]:
    for module in pkgutil.walk_packages(core.__path__, "core."):
        if ".migrations." not in module.name:
            importlib.import_module(module.name)
    return {
        kind.code()
        for kind in subclasses(Refusal)
        if issubclass(kind, Refusal) and kind.__module__.startswith("core.")
    }


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_every_refusal_has_an_entry_and_every_entry_a_refusal() -> None:
    assert set(REFUSALS) == refusals_of_core()


def test_every_top_level_code_has_an_entry_and_every_entry_a_code() -> None:
    codes = {
        kind.code
        for kind in subclasses(CodedError)
        if issubclass(kind, CodedError) and kind.__module__ == "schema.errors"
    }
    assert set(ERRORS) == codes


@pytest.mark.parametrize(("code", "message"), sorted({**ERRORS, **REFUSALS}.items()))
def test_message_is_whole_in_both_languages(code: str, message: Message) -> None:
    assert placeholders(message.zh) == placeholders(message.en)
    assert message.en.isascii()
    assert any("\u4e00" <= letter <= "\u9fff" for letter in message.zh)
    assert message.en.endswith(".")
    assert message.zh.endswith("。")


def test_codes_stand_in_order_so_that_they_are_found() -> None:
    source = Path(schema.catalogue.__file__).with_name("catalogue.toml")
    tables = tomllib.loads(source.read_text(encoding="utf-8"))
    assert list(tables["refusal"]) == sorted(tables["refusal"])


def test_placeholders_are_filled_from_the_details() -> None:
    message = Message(zh="还差{missing}分。", en="{missing} fen are missing.")
    assert message.text("en", {"missing": 5}) == "5 fen are missing."
    assert message.text("zh", {"missing": 5}) == "还差5分。"
    with pytest.raises(KeyError):
        message.text("en", {})


def test_refusal_is_told_in_the_language_asked_for() -> None:
    told = refusal_text(IdempotencyConflict("input"), "en")
    assert told == "This key was used before with other content; nothing was changed."
