"""How an outside company may fail us: what every adapter raises and every worker understands."""


class ProviderRefused(Exception):
    """The provider answered a final, verified "no": nothing happened and a repeat cannot help."""


class ProviderUnavailable(Exception):
    """No verified answer: the same request, under the same number, may be sent again later."""


class ProviderMisconfigured(Exception):
    """Our key, account or template is wrong: people must look, a repeat alone cannot help."""
