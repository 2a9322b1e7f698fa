"""`python -m adapters.sandbox --sms-secret TEXT`: the pretend providers, on the loopback only."""

import argparse
from datetime import UTC, datetime

import uvicorn

from adapters.sandbox.alipay.gateway import Alipay
from adapters.sandbox.application import HOST, build_application
from adapters.sandbox.base import Base, Mode
from adapters.sandbox.gateway import SmsGateway
from adapters.sandbox.tencent import tencent
from adapters.sandbox.wechat_pay_wallet import wechat_pay


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - a process of its own needs a clock of its own


def main() -> None:
    """Serves until it is stopped."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8025)
    parser.add_argument("--smtp-port", type=int, default=2525)
    parser.add_argument("--sms-key-id", default="sandbox")
    parser.add_argument("--sms-secret", required=True, help="shared with the SMS adapter")
    parser.add_argument("--mode", type=Mode, choices=list(Mode), default=Mode.DEMO)
    given = parser.parse_args()
    base = Base.on(_now, given.mode)
    providers = [
        SmsGateway(base, given.sms_key_id, given.sms_secret.encode()).provider(),
        Alipay(base).provider(),
        *tencent(base),
        wechat_pay(base),
    ]
    application = build_application(base, providers, given.smtp_port)
    uvicorn.run(
        application, host=HOST, port=given.port, log_level="warning", timeout_graceful_shutdown=1
    )


if __name__ == "__main__":
    main()
