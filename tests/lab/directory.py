"""The files of the lab's OpenLDAP: configuration, people, and a policy that locks accounts."""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path

from tests.contract.sso.people import PASSWORD, PUPILS
from tests.lab.processes import DATA, NotInstalled

SUFFIX = "dc=school,dc=example"
BASE = f"ou=people,{SUFFIX}"
SERVICE_DN = f"cn=card,{SUFFIX}"
SERVICE_PASSWORD = "the card's own password"
UNPACKED = DATA / "slapd"
_LIBRARIES = ("usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu", "usr/lib/aarch64-linux-gnu")
_CONFIG = """include {schema}/core.schema
include {schema}/cosine.schema
include {schema}/inetorgperson.schema
modulepath {modules}
moduleload back_mdb
moduleload ppolicy
pidfile {folder}/slapd.pid
TLSCACertificateFile {authority}
TLSCertificateFile {certificate}
TLSCertificateKeyFile {key}
disallow bind_anon
database mdb
maxsize 16777216
suffix "{suffix}"
rootdn "{service}"
rootpw "{password}"
directory {folder}/db
overlay ppolicy
ppolicy_default "cn=policy,{suffix}"
"""
_TREE = """dn: {suffix}
objectClass: dcObject
objectClass: organization
dc: school
o: 示例学校

dn: {base}
objectClass: organizationalUnit
ou: people

dn: cn=policy,{suffix}
objectClass: person
objectClass: pwdPolicy
cn: policy
sn: policy
pwdAttribute: userPassword
pwdLockout: TRUE
pwdMaxFailure: 3
"""
_PERSON = """
dn: uid={login},{base}
objectClass: inetOrgPerson
uid: {login}
cn: {name}
sn: {name}
employeeNumber: {number}
userPassword: {password}
"""


def _root() -> Path:
    """Where slapd's files are: unpacked by `make sso-lab`, or installed."""
    for root in (UNPACKED, Path("/")):
        if (root / "usr/sbin/slapd").exists() and (root / "usr/lib/ldap").is_dir():
            return root
    raise NotInstalled(
        "get OpenLDAP: make sso-lab unpacks Debian's package (apt-get download, dpkg), or"
        " apt-get install --no-install-recommends slapd"
    )


def slapd_command(folder: Path, listen: str) -> tuple[str, ...]:
    """How it is started."""
    slapd = str(_root() / "usr/sbin/slapd")
    return (slapd, "-f", str(folder / "slapd.conf"), "-h", listen, "-d", "0")


async def prepared(
    folder: Path, authority: Path, certificate: Path, key: Path
) -> tuple[str, Mapping[str, str]]:
    """Writes the files and loads the people; the search base and the environment it runs in.

    Raises: NotInstalled.
    """
    root = _root()
    (folder / "db").mkdir()
    facts = {
        "schema": root / "etc/ldap/schema", "modules": root / "usr/lib/ldap", "folder": folder,
        "authority": authority, "certificate": certificate, "key": key, "suffix": SUFFIX,
        "service": SERVICE_DN, "password": SERVICE_PASSWORD,
    }  # fmt: skip
    (folder / "slapd.conf").write_text(_CONFIG.format(**facts), "utf-8")
    people = "".join(
        _PERSON.format(
            login=each.login, name=each.name, number=each.number, base=BASE, password=PASSWORD
        )
        for each in PUPILS
    )
    tree = _TREE.format(suffix=SUFFIX, base=BASE) + people
    (folder / "seed.ldif").write_text(tree, "utf-8")
    libraries = ":".join(str(root / name) for name in _LIBRARIES)
    env = {"PATH": os.defpath, "LD_LIBRARY_PATH": libraries if root == UNPACKED else ""}
    add = (
        str(root / "usr/sbin/slapd"), "-T", "add", "-f", str(folder / "slapd.conf"),
        "-l", str(folder / "seed.ldif"),
    )  # fmt: skip
    loading = await asyncio.create_subprocess_exec(*add, env=env, cwd=folder)
    assert await loading.wait() == 0, "slapd -T add"
    return BASE, env
