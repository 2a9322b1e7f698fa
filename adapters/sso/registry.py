"""The kinds there are: ours, and those of installed packages under the group `bff.sso`."""

from collections.abc import Iterable, Mapping
from importlib.metadata import EntryPoint, entry_points

from adapters.sso import cas, ldap, oauth2, oidc, saml
from adapters.sso.api import API_VERSION, Kind
from adapters.sso.wecom import WecomDoor, wecom_kind

GROUP = "bff.sso"


class KindRefused(Exception):
    """A package's kind cannot be used, and why."""


def kinds(
    wecom: WecomDoor | None = None, found: Iterable[EntryPoint] | None = None
) -> Mapping[str, Kind]:
    """Every kind by its name; `found` are the entry points, those installed if None.

    Raises: KindRefused (a name of ours, no Kind, another API).
    """
    built_in = {
        "cas": cas.KIND,
        "ldap": ldap.KIND,
        "oauth2": oauth2.KIND,
        "oidc": oidc.KIND,
        "saml": saml.KIND,
        "wecom": wecom_kind(wecom),
    }
    known = dict(built_in)
    for point in entry_points(group=GROUP) if found is None else found:
        if point.name in known:
            raise KindRefused(f"{point.value}: the kind {point.name} exists already")
        known[point.name] = _loaded(point)
    return known


def _loaded(point: EntryPoint) -> Kind:
    try:
        kind = point.load()
    except Exception as error:
        raise KindRefused(f"{point.value}: {type(error).__name__} while importing") from None
    if not isinstance(kind, Kind):
        raise KindRefused(f"{point.value}: it is no adapters.sso.api.Kind")
    if kind.api != API_VERSION:
        raise KindRefused(f"{point.value}: it is written for API {kind.api}, not {API_VERSION}")
    return kind
