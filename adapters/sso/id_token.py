"""Verifies the signed tokens of an OpenID provider: pinned algorithms, our clock, our nonce."""

import base64
import hashlib
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from joserfc import jws
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import JWKRegistry, Key, OctKey

from adapters.sso.api import Env, ProtocolViolation
from adapters.sso.json_values import read_json
from adapters.sso.oidc_published import Published

Algorithm = Literal[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
    "Ed25519", "HS256",
]  # fmt: skip
_DIGESTS = ("sha256", "sha384", "sha512")
FRESH_SECONDS = 180
"""A token is made while we wait for it."""
Claims = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Trust:
    """What a token must be made with and for."""

    issuers: frozenset[str]
    client_id: str
    algorithms: tuple[str, ...]
    secrets: tuple[str, ...] = field(repr=False)
    leeway_seconds: int


async def claims_of(env: Env, token: object, trust: Trust, published: Published) -> Claims:
    """The claims of a signed token of this provider for us, within its time.

    Raises: ProtocolViolation, Upstream, Misconfigured.
    """
    if not isinstance(token, str):
        raise ProtocolViolation("the provider gave no token")
    header = _header(token)
    algorithm = header.get("alg")
    if algorithm not in trust.algorithms:
        raise ProtocolViolation(f"the token is not signed with one of {trust.algorithms}")
    if algorithm == "HS256":
        payload = _verified(token, algorithm, _secret_keys(trust.secrets))
    else:
        payload = _verified(token, algorithm, _fitting(await published.keys(env), header))
        if payload is None:
            fresh = await published.newer_keys(env)
            payload = _verified(token, algorithm, _fitting(fresh, header))
    if payload is None:
        raise ProtocolViolation("no key of the provider verifies the token")
    claims = _read(payload)
    _check_audience(claims, trust)
    _check_times(claims, int(env.now().timestamp()), trust.leeway_seconds)
    return claims


def check_id_token(claims: Claims, nonce: str | None, access_token: str | None) -> None:
    """What an id_token must have besides: our nonce, a subject, its access token.

    Raises: ProtocolViolation.
    """
    if not nonce or claims.get("nonce") != nonce:
        raise ProtocolViolation("the token is of another sign-on (nonce)")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 1 <= len(subject) <= 255:
        raise ProtocolViolation("the token names no subject")
    seconds_of(claims, "exp")
    digest = claims.get("at_hash")
    if digest is not None and digest not in _hashes(access_token or ""):
        raise ProtocolViolation("the access token is of another sign-on (at_hash)")


def seconds_of(claims: Claims, name: str) -> int:
    """An instant in Unix seconds.

    Raises: ProtocolViolation.
    """
    try:
        return int(float(claims[name]))
    except (KeyError, ValueError, TypeError, OverflowError):
        raise ProtocolViolation(f"the token has no {name}") from None


def _header(token: str) -> Mapping[str, Any]:
    try:
        return jws.extract_compact(token.encode()).headers()
    except (JoseError, ValueError, TypeError, AttributeError):
        raise ProtocolViolation("the token is malformed") from None


def _verified(token: str, algorithm: str, keys: Iterable[Key]) -> bytes | None:
    for key in keys:
        try:
            with warnings.catch_warnings():
                # RFC 9864 renames EdDSA to Ed25519; providers go on saying EdDSA.
                warnings.simplefilter("ignore", SecurityWarning)
                return jws.deserialize_compact(token, key, algorithms=[algorithm]).payload
        except (JoseError, ValueError, TypeError):
            continue
    return None


def _secret_keys(secrets: Sequence[str]) -> list[Key]:
    return [OctKey.import_key(secret) for secret in secrets]


def _fitting(keys: Sequence[Mapping[str, Any]], header: Mapping[str, Any]) -> Iterable[Key]:
    """The published public keys that may have signed; a shared secret is never published."""
    algorithm, kid = str(header["alg"]), header.get("kid")
    for key in keys:
        fits = (
            key.get("use", "sig") == "sig"
            and key.get("alg", algorithm) == algorithm
            and (kid is None or key.get("kid", kid) == kid)
        )
        if fits:
            try:
                yield JWKRegistry.import_key(dict(key))
            except (JoseError, ValueError, TypeError, KeyError):
                continue


def _read(payload: bytes) -> Claims:
    try:
        claims = read_json(payload)
    except ValueError:
        claims = None
    if not isinstance(claims, dict):
        raise ProtocolViolation("the token holds no claims")
    return claims


def _check_audience(claims: Claims, trust: Trust) -> None:
    if claims.get("iss") not in trust.issuers:
        raise ProtocolViolation("the token is of another issuer")
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if trust.client_id not in audiences:
        raise ProtocolViolation("the token is for somebody else (aud)")
    party = claims.get("azp")
    if (party is None and len(audiences) > 1) or party not in {None, trust.client_id}:
        raise ProtocolViolation("the token is for somebody else (azp)")


def _check_times(claims: Claims, now: int, leeway: int) -> None:
    made = seconds_of(claims, "iat")
    if made > now + leeway:
        raise ProtocolViolation("the token is from the future: compare the clocks")
    if made < now - FRESH_SECONDS - leeway:
        raise ProtocolViolation("the token is not of this moment: compare the clocks")
    if "exp" in claims and seconds_of(claims, "exp") <= now - leeway:
        raise ProtocolViolation("the token has expired: compare the clocks")
    if "nbf" in claims and seconds_of(claims, "nbf") > now + leeway:
        raise ProtocolViolation("the token is not valid yet: compare the clocks")


def _hashes(access_token: str) -> set[str]:
    """Left halves of the digests: the size follows the algorithm, and none is weaker than us."""
    digests = [hashlib.new(name, access_token.encode()).digest() for name in _DIGESTS]
    return {
        base64.urlsafe_b64encode(each[: len(each) // 2]).rstrip(b"=").decode() for each in digests
    }
