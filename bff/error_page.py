"""The page that `extensions.docs` of an error names: every code, in the reader's language."""

from collections.abc import Iterator
from pathlib import Path

from jinja2 import Environment
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from bff.refusal import STATUSES
from schema.catalogue import ERRORS, REFUSALS
from schema.context import Language, choose_language
from schema.masking import DOCS
from terminals.response import RESPONSES

Row = tuple[str, str, str]
"""Code, text, and what more there is to say."""

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"


def error_page_routes() -> list[Route]:
    """The page, made once in each language."""
    pages: dict[Language, str] = {"zh": error_page("zh"), "en": error_page("en")}

    async def page(request: Request) -> HTMLResponse:
        language = choose_language(request.headers.get("accept-language", ""), "zh")
        headers = {"content-security-policy": _POLICY, "vary": "accept-language"}
        return HTMLResponse(pages[language], headers=headers)

    return [Route(DOCS.removesuffix("#"), page)]


def error_page(language: Language) -> str:
    """The page's HTML."""
    source = Path(__file__).with_name("pages").joinpath("errors.html").read_text("utf-8")
    titles = {"zh": "错误与应答", "en": "Errors and responses"}
    template = Environment(autoescape=True).from_string(source)
    return template.render(
        language=language, title=titles[language], sections=list(_sections(language))
    )


def _sections(language: Language) -> Iterator[tuple[str, str, list[Row]]]:
    """Each heading with the start of its rows' anchors, and the rows."""
    is_chinese = language == "zh"

    def told(zh: str, en: str) -> str:
        return zh if is_chinese else en

    yield (
        told("顶层错误", "Top-level errors"),
        "",
        [
            (code, told(text.zh, text.en), f"HTTP {STATUSES.get(code, 200)}")
            for code, text in ERRORS.items()
        ],
    )
    yield (
        told("用户错误", "User errors"),
        "refusal-",
        [(code, told(text.zh, text.en), "") for code, text in sorted(REFUSALS.items())],
    )
    yield (
        told("支付应答码", "Response codes of payments"),
        "response-",
        [(each.code, told(each.zh, each.en), f"{each.name} · {each.action}") for each in RESPONSES],
    )
