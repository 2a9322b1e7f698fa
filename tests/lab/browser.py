"""As much of a browser as a login page needs: cookies, redirects, forms."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx2

from adapters.conformance.ground import Back

STEPS = 15


@dataclass
class Form:
    """A form of a page with the values it has."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)


class _Forms(HTMLParser):
    """Collects the forms of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A form begins, or a field of it."""
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(given.get("action", ""), given.get("method", "get").lower()))
        elif tag in {"input", "button"} and self.forms and given.get("name"):
            kind = given.get("type", "text")
            checked = kind not in {"checkbox", "radio"} or "checked" in given
            if checked:
                self.forms[-1].fields[given["name"]] = given.get("value", "")


async def log_in(url: str, stop: str, typed: Mapping[str, str]) -> Back:
    """What a browser brings back to `stop` after it went to `url` and filled each form it met.

    `typed` are the values by the names of their fields; a form without one of them is just sent.
    """
    async with httpx2.AsyncClient(trust_env=False) as client:
        request = client.build_request("GET", url)
        for _ in range(STEPS):
            answer = await client.send(request)
            here = str(answer.url)
            if answer.is_redirect:
                there = urljoin(here, answer.headers["location"])
                if there.startswith(stop):
                    return Back(dict(parse_qsl(urlsplit(there).query, keep_blank_values=True)))
                request = client.build_request("GET", there)
                continue
            form = _form(answer.text, typed, here)
            target = urljoin(here, form.action) if form.action else here
            if target.startswith(stop):
                return Back(form={k: v for k, v in form.fields.items() if k})
            request = (
                client.build_request("POST", target, data=form.fields)
                if form.method == "post"
                else client.build_request("GET", target, params=form.fields)
            )
    raise AssertionError(f"{urlsplit(url).path} did not come back in {STEPS} steps")


def _form(page: str, typed: Mapping[str, str], here: str) -> Form:
    reader = _Forms()
    reader.feed(page)
    path = urlsplit(here).path
    assert reader.forms, f"{path} has no form: {page[:300]}"
    form = max(reader.forms, key=lambda each: len(each.fields.keys() & typed.keys()))
    form.fields |= {name: text for name, text in typed.items() if name in form.fields}
    return form
