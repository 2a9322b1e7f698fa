"""An OpenID provider of our own: strict about codes, PKCE and clients, and lying on demand."""

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_plus, urlencode

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.contract.sso.people import BY_LOGIN, Pupil
from tests.contract.sso.serving import form_of, login_page

CLIENT = "campus-card"
SECRET = "a shared secret of more than 32 bytes, ü&%+"
Json = dict[str, Any]
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def b64(raw: bytes) -> str:
    """Base64 for URLs, without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _number(value: int) -> str:
    return b64(value.to_bytes((value.bit_length() + 7) // 8))


def new_key(algorithm: str) -> PrivateKey:
    """A key that signs by an algorithm."""
    if algorithm.startswith(("RS", "PS")):
        return rsa.generate_private_key(65537, 2048)
    if algorithm == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    return ed25519.Ed25519PrivateKey.generate()


def public_jwk(key: PrivateKey) -> Json:
    """How a key is published."""
    if isinstance(key, rsa.RSAPrivateKey):
        numbers = key.public_key().public_numbers()
        return {"kty": "RSA", "use": "sig", "n": _number(numbers.n), "e": _number(numbers.e)}
    if isinstance(key, ec.EllipticCurvePrivateKey):
        point = key.public_key().public_numbers()
        x, y = (b64(each.to_bytes(32)) for each in (point.x, point.y))
        return {"kty": "EC", "use": "sig", "crv": "P-256", "x": x, "y": y}
    raw = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return {"kty": "OKP", "use": "sig", "crv": "Ed25519", "x": b64(raw)}


def pem_of(key: PrivateKey) -> bytes:
    """The public key as a PEM text."""
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def signed(header: Json, claims: Json, key: PrivateKey | bytes | None) -> str:
    """A token by `alg` of the header; a key of bytes is a shared secret."""
    text = ".".join(b64(json.dumps(part).encode()) for part in (header, claims))
    return f"{text}.{b64(_signature(str(header['alg']), text.encode(), key))}"


def _signature(algorithm: str, text: bytes, key: PrivateKey | bytes | None) -> bytes:
    sha256 = hashes.SHA256()
    if isinstance(key, bytes):
        return hmac.new(key, text, hashlib.sha256).digest()
    if isinstance(key, rsa.RSAPrivateKey):
        pss = padding.PSS(padding.MGF1(sha256), 32)
        return key.sign(text, pss if algorithm == "PS256" else padding.PKCS1v15(), sha256)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        r, s = decode_dss_signature(key.sign(text, ec.ECDSA(sha256)))
        return r.to_bytes(32) + s.to_bytes(32)
    return key.sign(text) if key is not None else b""


FIRST_KEY = new_key("RS256")


@dataclass
class OidcServer:
    """`header`, `claims`, `user`, `metadata` and `back` change what it would rightly say."""

    algorithm: str = "RS256"
    redirect_uris: tuple[str, ...] = ("https://card.example/sso/sample/kind/callback",)
    secrets: tuple[str, ...] = (SECRET,)
    url: str = ""
    key: PrivateKey = field(default_factory=lambda: FIRST_KEY)
    kid: str | None = "k1"
    published: list[Json] | None = None
    out: bool = False
    asked: dict[str, int] = field(default_factory=dict)
    authorised: Json = field(default_factory=dict)
    sent: Json = field(default_factory=dict)
    header: Callable[[Json], Json] = dict
    claims: Callable[[Json], Json] = dict
    user: Callable[[Json], Json] = dict
    metadata: Callable[[Json], Json] = dict
    back: Callable[[dict[str, str]], dict[str, str]] = dict
    sign: Callable[[Json, Json], str] | None = None
    _codes: dict[str, tuple[Json, Pupil]] = field(default_factory=dict)
    _tokens: dict[str, Pupil] = field(default_factory=dict)

    def application(self) -> Starlette:
        """The server."""
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self.discovery),
                Route("/jwks", self.jwks),
                Route("/authorize", self.authorise, methods=["GET", "POST"]),
                Route("/token", self.token, methods=["POST"]),
                Route("/userinfo", self.userinfo),
            ]
        )

    def mend(self) -> None:
        """Tells the truth again."""
        fresh = OidcServer(url=self.url, key=FIRST_KEY)
        self.__dict__.update({name: vars(fresh)[name] for name in vars(fresh)})

    def jwk(self) -> Json:
        """The signing key as published."""
        named = {"kid": self.kid} if self.kid else {}
        return {**public_jwk(self.key), **named}

    async def discovery(self, request: Request) -> Response:
        """The metadata."""
        self._count("discovery")
        if self.out:
            return Response(status_code=503)
        return JSONResponse(
            self.metadata(
                {
                    "issuer": self.url,
                    "authorization_endpoint": f"{self.url}/authorize",
                    "token_endpoint": f"{self.url}/token",
                    "userinfo_endpoint": f"{self.url}/userinfo",
                    "jwks_uri": f"{self.url}/jwks",
                    "end_session_endpoint": f"{self.url}/end",
                    "id_token_signing_alg_values_supported": [self.algorithm],
                    "code_challenge_methods_supported": ["S256"],
                }
            )
        )

    async def jwks(self, request: Request) -> Response:
        """The public keys."""
        self._count("jwks")
        if self.out:
            return Response(status_code=503)
        keys = [self.jwk()] if self.published is None else self.published
        return JSONResponse({"keys": keys})

    async def authorise(self, request: Request) -> Response:
        """The login page; `prompt=none` has no session."""
        given = dict(request.query_params)
        self.authorised = given
        if given.get("redirect_uri") not in self.redirect_uris or given["client_id"] != CLIENT:
            return HTMLResponse("redirect_uri did not match", 400)
        if given.get("prompt") == "none":
            return self._back(given, {"error": "login_required"})
        if given.get("code_challenge_method") != "S256":
            return self._back(given, {"error": "invalid_request"})
        if request.method == "GET":
            return login_page(request)
        code = secrets.token_urlsafe(16)
        self._codes[code] = (given, BY_LOGIN[(await form_of(request))["username"]])
        return self._back(given, {"code": code, "iss": self.url})

    async def token(self, request: Request) -> Response:
        """A code, its PKCE verifier and the client's secret against a signed token."""
        self._count("token")
        form = await form_of(request)
        self.sent = dict(form)
        if not self._is_client(request, form):
            return JSONResponse({"error": "invalid_client"}, 401)
        given, pupil = self._codes.pop(form.get("code", ""), ({}, None))
        challenge = b64(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if (
            pupil is None
            or given["code_challenge"] != challenge
            or given["redirect_uri"] != form.get("redirect_uri")
        ):
            return JSONResponse({"error": "invalid_grant"}, 400)
        token = secrets.token_urlsafe(16)
        self._tokens[token] = pupil
        return JSONResponse(
            {"access_token": token, "token_type": "Bearer", "id_token": self._token(given, pupil)}
        )

    async def userinfo(self, request: Request) -> Response:
        """The profile behind an access token."""
        pupil = self._tokens.get(request.headers.get("authorization", "").removeprefix("Bearer "))
        if pupil is None:
            return JSONResponse({"error": "invalid_token"}, 401)
        return JSONResponse(
            self.user(
                {
                    "sub": pupil.login, "name": pupil.name, "code": pupil.number, "grade": 7,
                    "is_new": False, "person": {"mails": [pupil.mail, "x@people.example"]},
                }
            )
        )  # fmt: skip

    def claims_for(self, nonce: str, pupil: Pupil) -> Json:
        """What a right token says."""
        now = int(time.time())  # noqa: TID251 - it lives in real time
        return {
            "iss": self.url, "sub": pupil.login, "aud": CLIENT, "iat": now, "exp": now + 300,
            "nonce": nonce, "auth_time": now, "sid": "session-1",
        }  # fmt: skip

    def signed(self, claims: Json) -> str:
        """A token with these claims, as the switches have it."""
        named = {"kid": self.kid} if self.kid else {}
        header = self.header({"alg": self.algorithm, **named})
        if self.sign is not None:
            return self.sign(header, claims)
        key = self.secrets[0].encode() if header["alg"] == "HS256" else self.key
        return signed(header, claims, key)

    def _token(self, given: Json, pupil: Pupil) -> str:
        return self.signed(self.claims(self.claims_for(given.get("nonce", ""), pupil)))

    def _back(self, given: Json, more: dict[str, str]) -> Response:
        query = self.back({**more, "state": given.get("state", "")})
        if given.get("response_mode") == "form_post":
            fields = "".join(f'<input name="{k}" value="{v}">' for k, v in query.items())
            form = f'<form method="post" action="{given["redirect_uri"]}">{fields}</form>'
            return HTMLResponse(form)
        return RedirectResponse(f"{given['redirect_uri']}?{urlencode(query)}", 303)

    def _is_client(self, request: Request, form: dict[str, str]) -> bool:
        basic = request.headers.get("authorization", "")
        if basic.startswith("Basic "):
            pair = base64.b64decode(basic.removeprefix("Basic ")).decode()
            client, _, secret = (unquote_plus(each) for each in pair.partition(":"))
        else:
            client, secret = form.get("client_id", ""), form.get("client_secret", "")
        return client == CLIENT and secret in self.secrets

    def _count(self, name: str) -> None:
        self.asked[name] = self.asked.get(name, 0) + 1
