"""`bff sso check` of an identity provider: certificate, page, and what to tell it of us."""

import base64
import re
from collections.abc import AsyncIterator, Sequence

from cryptography import x509

from adapters.sso.api import Check, Env, Level, SSOError, Text
from adapters.sso.probing import clock_of, ill, unreachable, well

WARN_DAYS = 30


async def probe_saml(
    env: Env, certificates: Sequence[str], page: str, metadata: str
) -> AsyncIterator[Check]:
    """The checks `saml_certificate`, `saml_page`, `saml_acs` and `clock`."""
    for text in certificates:
        yield _certificate_check(env, text)
    yield well(
        "saml_acs",
        f"ACS 地址：{env.callback_url}；元数据：{metadata}",
        f"The ACS URL is {env.callback_url}; our metadata: {metadata}",
    )
    try:
        answer = await env.http.get(page)
    except SSOError as error:
        yield unreachable("saml_page", error)
        return
    yield well("saml_page", "登录页可达", "The provider's page answers")
    yield clock_of(env, answer)


def _certificate_check(env: Env, text: str) -> Check:
    name = "saml_certificate"
    fix = Text(
        "向学校索取新证书，填入 idp_cert（更换期间可填两张）",
        "Ask for the new certificate and put it into idp_cert (two while they change)",
    )
    try:
        der = base64.b64decode(re.sub(r"-----[^-]+-----|\s", "", text), validate=True)
        ends = x509.load_der_x509_certificate(der).not_valid_after_utc
    except ValueError:
        detail = Text("idp_cert 不是证书", "idp_cert is no certificate")
        return ill(name, detail, fix)
    days = (ends - env.now()).days
    detail = Text(f"证书还有 {days} 天到期", f"The certificate ends in {days} days")
    if days > WARN_DAYS:
        return Check(Level.OK, name, detail)
    return ill(name, detail, fix, Level.FAIL if days < 0 else Level.WARN)
