"""The pinned SDK, imported without its logging and only if it is the right one.

Its module `loggers` configures logging for the whole process, which closes the handlers of others;
Alipay's own package `alipay-sdk-python` puts other files into the same folder `alipay`.
"""

import logging
import sys
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from core.ports.providers import ProviderMisconfigured

_LOGGERS = "alipay.loggers"


def _load() -> Any:  # noqa: ANN401 - the SDK has no types
    quiet = ModuleType(_LOGGERS)
    vars(quiet)["logger"] = logging.getLogger("python-alipay-sdk")
    sys.modules.setdefault(_LOGGERS, quiet)
    try:
        from alipay import AliPay  # noqa: PLC0415 - not before its logging is out of the way
    except ImportError:
        AliPay = None  # noqa: N806 - a class
    if AliPay is None or find_spec("alipay.aop") is not None:
        raise ProviderMisconfigured(
            "the folder alipay holds files of alipay-sdk-python: "
            "uninstall both packages, then install python-alipay-sdk anew"
        )
    return AliPay


AliPay = _load()
