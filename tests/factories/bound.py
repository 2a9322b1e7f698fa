"""Four people of a school that offers the form; the first one, its owner, has chosen a PIN."""

from bff.sample_people import sample_people
from core.identity.records import BindForm, SessionTokens
from core.ports.pins import PinStanding
from core.school.policy import Auth, Policy
from core.school.policy_words import AuthMethod
from tests.factories.identity import NETWORK, OTHER_SCHOOL, SCHOOL, Identity

OWNER, OTHER, *_ = PEOPLE = list(sample_people(4))
PIN = "480613"
ASIDE = "aside@people.example"
"""An address that the roster does not know."""
FORM = BindForm(OWNER.name, OWNER.number, PIN)


async def enrol_people(identity: Identity) -> None:
    """Imports the four, at a school whose policy offers the form."""
    for school in (SCHOOL, OTHER_SCHOOL):
        identity.policies[school] = Policy(auth=Auth(methods=(AuthMethod.FORM,)))
    await identity.enrol(*PEOPLE)
    await give_pin(identity, PinStanding.SET)


async def give_pin(identity: Identity, standing: PinStanding) -> None:
    """Lets the owner's PIN stand so."""
    identity.pins.known[await identity.id_of(OWNER.number)] = (PIN, standing)


async def bind_owner(identity: Identity) -> SessionTokens:
    """The owner, bound by the form from the registered address."""
    assert OWNER.email is not None
    return await bind_from(identity, OWNER.email)


async def bind_from(identity: Identity, email: str, form: BindForm = FORM) -> SessionTokens:
    """A form handed in from an address."""
    tokens = await identity.signed_in(email)
    return await identity.bindings.bind_by_form(tokens.session, form, NETWORK)
