"""What WeChat posts to a callback's address, and how the address is proved once."""

from collections.abc import Mapping

from adapters.tencent.callbacks import Callbacks


class WechatCallbacks(Callbacks):
    """Messages for one app."""

    def echo(self, query: Mapping[str, str]) -> str:
        """What proves the address in the console: it is signed without a ciphertext.

        Raises: ProviderRefused.
        """
        self.check(query, "signature")
        return query.get("echostr", "")
