"""SAML 2 by python3-saml in a thread; what that library lets pass is checked in saml_answer."""

import importlib
from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr

from adapters.sso.api import (
    Assertion,
    Begin,
    Callback,
    Check,
    Denied,
    Env,
    Flow,
    Misconfigured,
    ProtocolViolation,
    Provider,
    Reach,
)
from adapters.sso.saml_answer import Expected, Read, read_answer
from adapters.sso.saml_probe import probe_saml
from adapters.sso.settings import Address, Table, kind_of
from adapters.sso.threads import Threads
from adapters.sso.token_client import check_page

SECONDS = 8.0
ANSWER_LENGTH = 262_144
REPLAY_SECONDS = 86_400
_UNSPECIFIED = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"
_PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
_POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
_REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
_RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
_SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"


def _several(value: object) -> object:
    return value if isinstance(value, list) else [value]


class SamlSettings(Table):
    """An identity provider. `idp_cert` is its certificate, or two while it changes them; `sp_key`
    signs our requests and opens encrypted assertions; `subject_attribute` is needed where the
    NameID is transient; `scopes` are the only ones a scoped attribute may have."""

    idp_entity_id: str
    idp_sso_url: Address
    idp_cert: Annotated[
        tuple[str, ...], BeforeValidator(_several), Field(min_length=1, max_length=2)
    ]
    sp_entity_id: str
    sp_key: SecretStr | None = None
    sp_cert: str | None = None
    subject_attribute: str | None = None
    scopes: tuple[str, ...] = ()
    leeway: Annotated[int, Field(ge=0, le=120)] = 60


class SamlProvider(Provider):
    """One identity provider; it keeps nothing."""

    flow = Flow.REDIRECT

    def __init__(self, settings: SamlSettings, reach: Reach) -> None:
        self._settings = settings
        self._plain_loopback = reach.plain_loopback
        self._threads = Threads("saml", 4)

    async def begin(self, env: Env, state: str) -> Begin:
        """The provider's page with our request; `state` is its RelayState."""
        check_page(self._settings.idp_sso_url, plain_loopback=self._plain_loopback)

        def request() -> tuple[str, str]:
            auth = _library("auth").OneLogin_Saml2_Auth(
                request_data(env.callback_url, {}), self.toolkit_settings(env.callback_url)
            )
            return auth.login(return_to=state), auth.get_last_request_id()

        url, request_id = await self._threads.run(request, SECONDS)
        return Begin(url, {"state": state, "id": request_id})

    async def finish(self, env: Env, cb: Callback) -> Assertion:
        """Reads the posted answer to our request, once."""
        if not cb.state == cb.stash.get("state") == cb.form.get("RelayState"):
            raise ProtocolViolation("the RelayState is of another sign-on")
        answer = cb.form.get("SAMLResponse", "")
        if not 1 <= len(answer) <= ANSWER_LENGTH:
            raise ProtocolViolation("there is no SAMLResponse")
        settings = self._settings
        expected = Expected(
            cb.stash.get("id", ""), env.callback_url, settings.sp_entity_id, settings.scopes,
            settings.leeway,
        )  # fmt: skip

        def read() -> Read:
            return read_answer(
                answer, self.toolkit_settings(env.callback_url),
                request_data(env.callback_url, {"SAMLResponse": answer}), expected, env.now(),
            )  # fmt: skip

        found = await self._threads.run(read, SECONDS)
        if not await env.once(f"saml:{found.assertion_id}", REPLAY_SECONDS):
            raise Denied("the assertion was used before")
        return Assertion(
            settings.idp_entity_id, self._subject(found), found.attributes,
            found.authenticated_at, found.session_index,
        )  # fmt: skip

    def check(self, env: Env) -> AsyncIterator[Check]:
        """The probes of saml_probe."""
        return probe_saml(
            env, self._settings.idp_cert, self._settings.idp_sso_url, self.metadata(env)
        )

    def metadata(self, env: Env) -> str:
        """Our metadata for the federation or the school.

        Raises: Misconfigured.
        """
        settings = _library("settings").OneLogin_Saml2_Settings(
            self.toolkit_settings(env.callback_url), sp_validation_only=True
        )
        text = settings.get_sp_metadata()
        return text.decode() if isinstance(text, bytes) else str(text)

    def toolkit_settings(self, callback_url: str) -> dict[str, Any]:
        """What python3-saml has to know."""
        settings = self._settings
        key = settings.sp_key.get_secret_value() if settings.sp_key else ""
        return {
            "strict": True,
            "debug": False,
            "sp": {
                "entityId": settings.sp_entity_id,
                "assertionConsumerService": {"url": callback_url, "binding": _POST},
                "NameIDFormat": _UNSPECIFIED if settings.subject_attribute else _PERSISTENT,
                "x509cert": settings.sp_cert or "",
                "privateKey": key,
            },
            "idp": {
                "entityId": settings.idp_entity_id,
                "singleSignOnService": {"url": settings.idp_sso_url, "binding": _REDIRECT},
                "x509certMulti": {"signing": list(settings.idp_cert)},
            },
            "security": {
                "authnRequestsSigned": bool(key),
                "signMetadata": False,
                "wantNameId": settings.subject_attribute is None,
                "wantAttributeStatement": False,
                "requestedAuthnContext": False,
                "rejectDeprecatedAlgorithm": True,
                "allowRepeatAttributeName": True,
                "allowSingleLabelDomains": True,
                "signatureAlgorithm": _RSA_SHA256,
                "digestAlgorithm": _SHA256,
            },
        }

    def _subject(self, found: Read) -> str:
        name = self._settings.subject_attribute
        if name is not None:
            values = found.attributes.get(name, ())
            if len(values) != 1:
                raise ProtocolViolation(f"the assertion has not exactly one {name}")
            return values[0]
        if found.transient or not found.name_id:
            raise Misconfigured("the NameID is another at each sign-on: set subject_attribute")
        return found.name_id


def request_data(callback_url: str, form: Mapping[str, str]) -> dict[str, Any]:
    """A request as python3-saml sees it: at our address, whatever Host it named."""
    parts = urlsplit(callback_url)
    return {
        "https": "on" if parts.scheme == "https" else "off",
        "http_host": parts.netloc,
        "script_name": parts.path,
        "get_data": {},
        "post_data": dict(form),
    }


def _library(name: str) -> Any:  # noqa: ANN401 - it has no types
    try:
        return importlib.import_module(f"onelogin.saml2.{name}")
    except ImportError:
        raise Misconfigured("kind saml needs the extra [saml] (python3-saml)") from None


KIND = kind_of(SamlSettings, ("idp_entity_id", "subject_attribute"), SamlProvider)
