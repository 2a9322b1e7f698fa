"""A SAML identity provider of our own: signs by xmlsec, and can be told to sign nonsense."""

import base64
import secrets
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import xmlsec
from cryptography.hazmat.primitives.asymmetric import rsa
from lxml import etree
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from tests.contract.sso.certificates import certificate, key_pem, pem
from tests.contract.sso.people import BY_LOGIN, Pupil
from tests.contract.sso.serving import form_of, login_page

IDP = "https://idp.school.example/shibboleth"
SP = "https://card.example/saml"
SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
Change = Callable[[str], str]
KEY = rsa.generate_private_key(65537, 2048)
CERTIFICATE = pem(certificate("idp", KEY))
SP_KEY = rsa.generate_private_key(65537, 2048)
SP_CERTIFICATE = pem(certificate("sp", SP_KEY))


@dataclass
class SamlIdp:
    """`before` changes the text that is signed, `after` what was signed."""

    before: Change = str
    after: Change = str
    signs: str = "Assertion"
    method: Any = None
    digest: Any = None
    encrypts: bool = False
    url: str = ""
    key: rsa.RSAPrivateKey = field(default_factory=lambda: KEY)

    def application(self) -> Starlette:
        """The server."""
        return Starlette(routes=[Route("/sso", self.sso, methods=["GET", "POST"])])

    def mend(self) -> None:
        """Works as it should."""
        self.__dict__.update(vars(SamlIdp(url=self.url)))

    async def sso(self, request: Request) -> Response:
        """The login page, and the form that posts the answer."""
        if request.method == "GET":
            return login_page(request)
        raw = base64.b64decode(request.query_params["SAMLRequest"])
        asked = etree.fromstring(zlib.decompress(raw, -15))
        acs = asked.get("AssertionConsumerServiceURL")
        pupil = BY_LOGIN[(await form_of(request))["username"]]
        answer = self.answer(asked.get("ID"), acs, pupil)
        fields = {"SAMLResponse": answer, "RelayState": request.query_params["RelayState"]}
        inputs = "".join(f'<input name="{k}" value="{v}">' for k, v in fields.items())
        return HTMLResponse(f'<form method="post" action="{acs}">{inputs}</form>')

    def answer(self, request_id: str | None, acs: str, pupil: Pupil) -> str:
        """A signed answer in base64."""
        root = etree.fromstring(self.before(response(request_id, acs, pupil)).encode())
        steps = [self._sign, _encrypt] if self.signs == "Assertion" else [_encrypt, self._sign]
        for step in steps:
            if step is not _encrypt or self.encrypts:
                step(root)
        text = self.after(etree.tostring(root).decode())
        return base64.b64encode(text.encode()).decode()

    def _sign(self, root: Any) -> None:
        if self.signs == "none":
            return
        spot = root if self.signs == "Response" else root.find(f"{{{SAML}}}{self.signs}")
        template = xmlsec.template.create(
            spot, xmlsec.Transform.EXCL_C14N, self.method or xmlsec.Transform.RSA_SHA256, ns="ds"
        )
        spot.insert(1, template)
        reference = xmlsec.template.add_reference(
            template, self.digest or xmlsec.Transform.SHA256, uri=f"#{spot.get('ID')}"
        )
        xmlsec.template.add_transform(reference, xmlsec.Transform.ENVELOPED)
        xmlsec.template.add_transform(reference, xmlsec.Transform.EXCL_C14N)
        xmlsec.tree.add_ids(root, ["ID"])
        context = xmlsec.SignatureContext()
        context.key = xmlsec.Key.from_memory(key_pem(self.key), xmlsec.KeyFormat.PEM)
        context.sign(template)


def response(request_id: str | None, acs: str, pupil: Pupil) -> str:
    """A right, unsigned response."""
    now = datetime.now(UTC)  # noqa: TID251 - it is read in real time
    at, begins, ends = (
        (now + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
        for seconds in (0, -30, 240)
    )
    facts = {
        "urn:oid:2.16.840.1.113730.3.1.3": ("employeeNumber", pupil.number),
        "urn:oid:2.5.4.3": ("cn", pupil.name),
        "urn:oid:1.3.6.1.4.1.5923.1.1.1.9": (
            "eduPersonScopedAffiliation", "student@school.example",
        ),
    }  # fmt: skip
    attributes = "".join(
        f'<saml:Attribute Name="{name}" FriendlyName={quoteattr(friendly)}>'
        f"<saml:AttributeValue>{escape(value)}</saml:AttributeValue></saml:Attribute>"
        for name, (friendly, value) in facts.items()
    )
    to = f' InResponseTo="{request_id}"' if request_id else ""
    return (
        '<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" '
        f'xmlns:saml="{SAML}" ID="_{secrets.token_hex(16)}" Version="2.0" IssueInstant="{at}" '
        f'Destination="{acs}"{to}><saml:Issuer>{IDP}</saml:Issuer><samlp:Status>'
        '<samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>'
        f'<saml:Assertion ID="_{secrets.token_hex(16)}" Version="2.0" IssueInstant="{at}">'
        f"<saml:Issuer>{IDP}</saml:Issuer><saml:Subject>"
        f'<saml:NameID Format="{PERSISTENT}">{pupil.login}-pairwise</saml:NameID>'
        '<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">'
        f'<saml:SubjectConfirmationData{to} Recipient="{acs}" NotOnOrAfter="{ends}"/>'
        f'</saml:SubjectConfirmation></saml:Subject><saml:Conditions NotBefore="{begins}" '
        f'NotOnOrAfter="{ends}"><saml:AudienceRestriction><saml:Audience>{SP}</saml:Audience>'
        "</saml:AudienceRestriction></saml:Conditions>"
        f'<saml:AuthnStatement AuthnInstant="{at}" SessionIndex="_index1"><saml:AuthnContext>'
        "<saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password"
        "</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>"
        f"<saml:AttributeStatement>{attributes}</saml:AttributeStatement></saml:Assertion>"
        "</samlp:Response>"
    )


def _encrypt(root: Any) -> None:
    assertion = root.find(f"{{{SAML}}}Assertion")
    holder = etree.SubElement(root, f"{{{SAML}}}EncryptedAssertion")
    template = xmlsec.template.encrypted_data_create(
        assertion, xmlsec.Transform.AES256, type=xmlsec.EncryptionType.ELEMENT, ns="xenc"
    )
    xmlsec.template.encrypted_data_ensure_cipher_value(template)
    info = xmlsec.template.encrypted_data_ensure_key_info(template, ns="ds")
    inner = xmlsec.template.add_encrypted_key(info, xmlsec.Transform.RSA_OAEP)
    xmlsec.template.encrypted_data_ensure_cipher_value(inner)
    manager = xmlsec.KeysManager()
    manager.add_key(xmlsec.Key.from_memory(SP_CERTIFICATE, xmlsec.KeyFormat.CERT_PEM))
    context = xmlsec.EncryptionContext(manager)
    context.key = xmlsec.Key.generate(xmlsec.KeyData.AES, 256, xmlsec.KeyDataType.SESSION)
    holder.append(context.encrypt_xml(template, assertion))
