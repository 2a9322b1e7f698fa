"""What WeCom posts to a callback's address, and how the address is proved once."""

from collections.abc import Mapping

from adapters.tencent.callbacks import Callbacks


class WecomCallbacks(Callbacks):
    """Messages for one corporation."""

    def echo(self, query: Mapping[str, str]) -> str:
        """What proves the address in the console: the text inside a ciphertext.

        Raises: ProviderRefused.
        """
        return self.decrypted(query, query.get("echostr", ""))
