"""SAML: what is refused beyond what python3-saml refuses, against a provider of our own."""

import re
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import pytest
import xmlsec
from cryptography.hazmat.primitives.asymmetric import rsa

from adapters.conformance.contract import ProviderContract
from adapters.conformance.ground import Back, MemoryOnce
from adapters.sso.api import (
    Begin,
    Denied,
    Incomplete,
    Misconfigured,
    ProtocolViolation,
    Provider,
    SSOError,
)
from adapters.sso.saml import SamlProvider
from tests.contract.sso.certificates import certificate, key_pem, pem
from tests.contract.sso.people import PUPILS
from tests.contract.sso.saml_idp import (
    CERTIFICATE,
    IDP,
    SP,
    SP_CERTIFICATE,
    SP_KEY,
    SamlIdp,
)
from tests.contract.sso.serving import serve
from tests.contract.sso.stage import CALLBACK, begun, came_back, read, refused, stage
from tests.lab.browser import log_in

TYPED = {"username": PUPILS[0].login}
EPPN = "urn:oid:1.3.6.1.4.1.5923.1.1.1.9"


def peer(idp: SamlIdp, **settings: Any) -> SamlProvider:
    """A service provider of it."""
    table = {
        "kind": "saml", "idp_entity_id": IDP, "idp_sso_url": f"{idp.url}/sso",
        "idp_cert": CERTIFICATE, "sp_entity_id": SP, "sp_key": "${env:SP}",
        "sp_cert": SP_CERTIFICATE, **settings,
    }  # fmt: skip
    provider = read(table, {"env:SP": key_pem(SP_KEY)}).provider
    assert isinstance(provider, SamlProvider)
    return provider


class TestSaml(ProviderContract):
    """A signed assertion, posted back."""

    people = len(PUPILS)
    released: ClassVar = {
        "$subject": ("pupil0-pairwise",),
        "employeeNumber": ("007001",),
        "urn:oid:2.5.4.3": ("示例甲&乙",),
        "cn": ("示例甲&乙",),
    }
    asks_server = False
    idp: ClassVar[SamlIdp]

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _server(cls) -> Iterator[None]:
        cls.idp = SamlIdp()
        with serve(cls.idp.application()) as cls.idp.url:
            yield

    def make(self) -> Provider:
        return peer(self.idp)

    async def login(self, begin: Begin | None, state: str, person: int) -> Back:
        assert begin is not None
        return await log_in(begin.url, self.callback_url, {"username": PUPILS[person].login})


@pytest.fixture(scope="module")
def running() -> Iterator[SamlIdp]:
    """The identity provider."""
    server = SamlIdp()
    with serve(server.application()) as server.url:
        yield server


@pytest.fixture
def idp(running: SamlIdp) -> SamlIdp:
    """The identity provider in working order."""
    running.mend()
    return running


async def outcome(idp: SamlIdp, once: MemoryOnce | None = None, **settings: Any) -> Any:
    """A whole sign-on."""
    async with stage(once) as env:
        one = peer(idp, **settings)
        stash, state, page = await begun(one, env)
        back = await log_in(page, CALLBACK, TYPED)
        return await one.finish(env, came_back(stash, state, back))


def swap(pattern: str, by: str, count: int = 0) -> Callable[[str], str]:
    """Changes a text, and insists that there was something to change."""

    def change(text: str) -> str:
        changed, found = re.subn(pattern, by, text, count=count)
        assert found, pattern
        return changed

    return change


@pytest.mark.parametrize("encrypts", [False, True])
@pytest.mark.parametrize("signs", ["Assertion", "Response"])
async def test_an_assertion_is_read_whichever_part_is_signed(
    idp: SamlIdp, signs: str, encrypts: bool
) -> None:
    idp.signs, idp.encrypts = signs, encrypts
    found = await outcome(idp, scopes=["school.example"])
    assert (found.issuer, found.subject, found.session_ref) == (IDP, "pupil0-pairwise", "_index1")
    assert found.attributes["employeeNumber"] == ("007001",)
    assert found.auth_time is not None


async def test_unsolicited_refused(idp: SamlIdp) -> None:
    idp.before = swap(r' InResponseTo="[^"]*"', "")
    assert (await refused(outcome(idp))).hint.endswith("(InResponseTo)")
    idp.before = swap(r'(?<=<samlp:Response)(.*?) InResponseTo="[^"]*"', r"\1", 1)
    assert (await refused(outcome(idp))).hint.endswith("(InResponseTo)")
    idp.before = swap(r'(ConfirmationData) InResponseTo="[^"]*"', r"\1")
    assert (await refused(outcome(idp))).hint.endswith("(Recipient)")
    idp.before = swap(r'InResponseTo="[^"]*"', 'InResponseTo="ONELOGIN_other"')
    assert (await refused(outcome(idp))).hint == "the answer is to another request"


async def test_assertion_replay(idp: SamlIdp) -> None:
    once = MemoryOnce()
    async with stage(once) as env:
        one = peer(idp)
        stash, state, page = await begun(one, env)
        callback = came_back(stash, state, await log_in(page, CALLBACK, TYPED))
        await one.finish(env, callback)
        assert isinstance(await refused(peer(idp).finish(env, callback)), Denied)


OTHER = "https://card.example/sso/sample/kind/callback2"


@pytest.mark.parametrize(
    ("pattern", "by"),
    [
        (r"<saml:Audience>[^<]*", "<saml:Audience>https://other.example/saml"),
        (r"<saml:AudienceRestriction>.*</saml:AudienceRestriction>", ""),
        (r'Recipient="[^"]*"', 'Recipient="https://evil.example/"'),
        (r'Recipient="[^"]*"', f'Recipient="{OTHER}"'),
        (r' Recipient="[^"]*"', ""),
        (r'Destination="[^"]*"', 'Destination="https://evil.example/"'),
        (r'Destination="[^"]*"', f'Destination="{OTHER}"'),
        (r' Destination="[^"]*"', ""),
        (r"cm:bearer", "cm:holder-of-key"),
        (r' NotOnOrAfter="[^"]*"/>', "/>"),
        (r"<saml:Issuer>[^<]*", "<saml:Issuer>https://other.example/idp"),
    ],
)
async def test_audience_recipient_destination(idp: SamlIdp, pattern: str, by: str) -> None:
    idp.before = swap(pattern, by)
    assert isinstance(await refused(outcome(idp)), ProtocolViolation)


async def test_unsigned_refused(idp: SamlIdp) -> None:
    idp.signs = "none"
    assert (await refused(outcome(idp))).hint == "the answer is not signed"
    idp.mend()
    idp.after = swap("pupil0-pairwise", "pupil1-pairwise")
    assert (await refused(outcome(idp))).hint == "the signature is not by idp_cert"
    idp.mend()
    idp.key = rsa.generate_private_key(65537, 2048)
    assert (await refused(outcome(idp))).hint == "the signature is not by idp_cert"


@pytest.mark.parametrize("part", ["method", "digest"])
async def test_sha1_refused(idp: SamlIdp, part: str) -> None:
    old = xmlsec.Transform.RSA_SHA1 if part == "method" else xmlsec.Transform.SHA1
    setattr(idp, part, old)
    assert (await refused(outcome(idp))).hint == "the answer is signed with SHA-1"


async def test_a_signed_assertion_does_not_vouch_for_its_neighbour(idp: SamlIdp) -> None:
    """Signature wrapping: the signed assertion stays, another is put before or around it."""

    def neighbour(text: str) -> str:
        (good,) = re.findall(r"(?s)<saml:Assertion .*</saml:Assertion>", text)
        bad = re.sub(r"(?s)<ds:Signature.*</ds:Signature>", "", good)
        bad = bad.replace("pupil0", "pupil1").replace(' ID="_', ' ID="_f', 1)
        return text.replace(good, bad + good)

    def inside(text: str) -> str:
        (good,) = re.findall(r"(?s)<saml:Assertion .*</saml:Assertion>", text)
        bad = re.sub(r"(?s)<ds:Signature.*</ds:Signature>", "", good)
        bad = bad.replace("pupil0", "pupil1").replace(' ID="_', ' ID="_f', 1)
        held = f"<samlp:Extensions>{good}</samlp:Extensions>"
        return text.replace(good, bad).replace("<samlp:Status>", f"{held}<samlp:Status>", 1)

    for wrap in (neighbour, inside):
        idp.after = wrap
        assert isinstance(await refused(outcome(idp)), ProtocolViolation)


async def test_transient_name_id_refused(idp: SamlIdp) -> None:
    idp.before = swap("nameid-format:persistent", "nameid-format:transient")
    assert isinstance(await refused(outcome(idp)), Misconfigured)
    found = await outcome(idp, subject_attribute="employeeNumber")
    assert found.subject == "007001"
    error = await refused(outcome(idp, subject_attribute="uid"))
    assert error.hint == "the assertion has not exactly one uid"


@pytest.mark.parametrize(
    "value",
    [
        "student@other.example",
        "student",
        "student@evilschool.example",
        "@",
        "student@school.example.other.example",
    ],
)
async def test_scope_of_another_school_refused(idp: SamlIdp, value: str) -> None:
    idp.before = swap("student@school.example", value)
    error = await refused(outcome(idp, scopes=["school.example"]))
    assert isinstance(error, ProtocolViolation)
    assert error.hint.endswith("is of another school's scope")
    assert (await outcome(idp)).attributes[EPPN] == (value,)


async def test_a_comment_does_not_cut_a_name(idp: SamlIdp) -> None:
    idp.after = swap("pupil0-pairwise", "pupil0<!-- x -->-pairwise")
    assert (await outcome(idp)).subject == "pupil0-pairwise"


async def test_a_name_within_a_value_is_read(idp: SamlIdp) -> None:
    idp.before = swap("007001", "<saml:NameID>007001</saml:NameID>")
    assert (await outcome(idp)).attributes["employeeNumber"] == ("007001",)


async def test_a_dtd_is_refused(idp: SamlIdp) -> None:
    idp.after = lambda text: f'<!DOCTYPE a [<!ENTITY x "y">]>{text}'
    assert (await refused(outcome(idp))).hint == "the answer is malformed"


async def test_a_no_of_the_provider_is_a_no(idp: SamlIdp) -> None:
    idp.before = swap("status:Success", "status:Responder")
    assert isinstance(await refused(outcome(idp)), Denied)


async def test_old_times_are_refused(idp: SamlIdp) -> None:
    for pattern in (r'NotOnOrAfter="20', r'IssueInstant="20'):
        idp.before = swap(pattern, pattern[:-2] + "19")
        assert isinstance(await refused(outcome(idp)), ProtocolViolation)


async def test_two_certificates_are_good_while_they_change(idp: SamlIdp) -> None:
    other = pem(certificate("new", rsa.generate_private_key(65537, 2048)))
    assert (await outcome(idp, idp_cert=[other, CERTIFICATE])).subject == "pupil0-pairwise"
    assert isinstance(await refused(outcome(idp, idp_cert=other)), ProtocolViolation)


async def test_our_metadata_names_the_callback_and_no_key(idp: SamlIdp) -> None:
    async with stage() as env:
        metadata = peer(idp).metadata(env)
    assert f'Location="{CALLBACK}"' in metadata
    assert SP in metadata
    assert "PRIVATE" not in metadata


async def test_the_missing_extra_is_named(idp: SamlIdp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "onelogin.saml2.auth", None)
    async with stage() as env:
        error = await refused(peer(idp).begin(env, "0" * 24))
    assert (type(error), error.hint) == (
        Misconfigured, "kind saml needs the extra [saml] (python3-saml)",
    )  # fmt: skip


@pytest.mark.parametrize("answer", ["", "x", "!!!!", "PHg+", "x" * 300_000])
async def test_nonsense_is_an_error_of_ours(idp: SamlIdp, answer: str) -> None:
    async with stage() as env:
        one = peer(idp)
        stash, state, _ = await begun(one, env)
        back = Back(form={"SAMLResponse": answer, "RelayState": state})
        error = await refused(one.finish(env, came_back(stash, state, back)))
    assert isinstance(error, SSOError)
    assert not isinstance(error, Incomplete)
