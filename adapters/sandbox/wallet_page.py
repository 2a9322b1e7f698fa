"""`/_wallet`: everybody in the sandbox, and what each can do in a provider's app."""

import html
import json
from collections.abc import Sequence

from starlette.responses import HTMLResponse

from adapters.sandbox.base import Act, Provider
from adapters.sandbox.page import page
from adapters.sandbox.people import Person

_SCRIPT = """<script>
document.addEventListener('click', async ({ target }) => {
  const act = target.closest('button[data-path]');
  if (!act) return;
  const shown = act.closest('section').querySelector('output');
  const answer = await fetch(act.dataset.path, { method: 'POST', body: act.dataset.given });
  shown.textContent = await answer.text();
});
</script>"""


def wallet_page(people: Sequence[Person], providers: Sequence[Provider]) -> HTMLResponse:
    """A sheet per person with a button per act; the answer is what the app would hand to ours."""
    acts = [act for provider in providers for act in provider.acts]
    sheets = "".join(_sheet(person, acts) for person in people)
    nobody = (
        '<section class="sheet">还没有人。<small>Nobody yet: PUT /_people puts people here.</small>'
        "</section>"
    )
    body = (
        '<h1>沙盒钱包 <small>Sandbox wallet</small></h1><p class="soft">虚构的人，虚构的应用。'
        f"Invented people in invented apps.</p>{sheets or nobody}{_SCRIPT}"
    )
    return page("沙盒钱包 Sandbox wallet", body)


def _sheet(person: Person, acts: Sequence[Act]) -> str:
    name = f"<h2>{html.escape(person.name)} <small>{html.escape(person.id)}</small></h2>"
    buttons = "".join(_button(person, act) for act in acts)
    return f'<section class="sheet">{name}{buttons}<output></output></section>'


def _button(person: Person, act: Act) -> str:
    given = html.escape(json.dumps({"person": person.id, **act.given}))
    return (
        f'<button data-path="{html.escape(act.path)}" data-given="{given}">'
        f"{html.escape(act.zh)} <small>{html.escape(act.en)}</small></button>"
    )
