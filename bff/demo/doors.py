"""How the demo's schools reach the pretend providers: their secrets as files, and the tables.

The sandbox makes its keys at each start. A school's file refers to them, as every school's does,
so the file stays the same and what it refers to is fresh.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from clients.phone.browser import RETURN_TO

_TABLES = """
# Each value that starts with ${{file: is read from that file; so no secret stands in this one.
[capability.alipay]
real_name = true

[capability.wecom]
private_info = true

[channel.alipay_mini]
app_id = "{alipay.app_id}"
gateway = "{alipay.gateway}"
notify_url = "{bff.notify_url}"
app_private_key = "{alipay.app_private_key}"
alipay_public_key = "{alipay.alipay_public_key}"
aes_key = "{alipay.aes_key}"

[channel.wechat_mini]
app_id = "{wechat.mini_app_id}"
app_secret = "{wechat.mini_app_secret}"
api_base = "{sandbox.url}"
[channel.wechat_mini.callback]
token = "{wechat.mini_token}"
encoding_aes_key = "{wechat.mini_encoding_aes_key}"

[channel.wechat_official]
app_id = "{wechat.official_app_id}"
app_secret = "{wechat.official_app_secret}"
api_base = "{sandbox.url}"
page_base = "{sandbox.url}"
return_to = ["https://m.school.example/card/wechat"]
[channel.wechat_official.callback]
token = "{wechat.official_token}"
encoding_aes_key = "{wechat.official_encoding_aes_key}"

[channel.wecom]
corp_id = "{wecom.corp_id}"
agent_id = "{wecom.agent_id}"
secret = "{wecom.secret}"
api_base = "{sandbox.url}"
page_base = "{sandbox.url}"
return_to = ["https://m.school.example/card/wecom"]
[channel.wecom.callback]
token = "{wecom.token}"
encoding_aes_key = "{wecom.encoding_aes_key}"

[channel.native]
return_to = ["{return_to}"]
"""
Credentials = Mapping[str, Mapping[str, str]]
"""What each provider hands to its customers, by the provider's name."""


def with_doors(sample: str, folder: Path) -> str:
    """A sample school's file with every channel; `folder` holds the secrets."""
    references = {
        provider: _References(provider, folder)
        for provider in ("alipay", "wechat", "wecom", "sandbox", "bff")
    }
    return sample + _TABLES.format(return_to=RETURN_TO, **references)


class _References:
    """`${file:…}` of each secret of one provider."""

    def __init__(self, provider: str, folder: Path) -> None:
        self._provider = provider
        self._folder = folder

    def __getattr__(self, name: str) -> str:
        return f"${{file:{self._folder / f'{self._provider}.{name}'}}}"


def keep_secrets(credentials: Credentials, sandbox_url: str, public_url: str, folder: Path) -> None:
    """Writes what the tables refer to, each into a file that only its owner reads."""
    folder.mkdir(mode=0o700, exist_ok=True)
    for name, secret in _secrets(credentials, sandbox_url, public_url):
        path = folder / name
        path.touch(mode=0o600)
        path.write_text(secret, "utf-8")


def _secrets(
    credentials: Credentials, sandbox_url: str, public_url: str
) -> Iterator[tuple[str, str]]:
    for provider in ("alipay", "wechat", "wecom"):
        for name, secret in credentials[provider].items():
            yield f"{provider}.{name}", secret
    yield "alipay.gateway", sandbox_url + credentials["alipay"]["gateway"]
    yield "sandbox.url", sandbox_url
    yield "bff.notify_url", f"{public_url}/notify/alipay"
