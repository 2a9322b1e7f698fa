"""What the probes of all kinds share: their words, and the clock of the other side."""

from email.utils import parsedate_to_datetime

from adapters.sso.api import NOTHING, Answer, Check, Env, Level, SSOError, Text

CLOCK_WARN_SECONDS = 30
CLOCK_FAIL_SECONDS = 60


def well(name: str, zh: str, en: str) -> Check:
    """All is as it should be."""
    return Check(Level.OK, name, Text(zh, en))


def ill(name: str, detail: Text, fix: Text, level: Level = Level.FAIL) -> Check:
    """Something to mend, and how."""
    return Check(level, name, detail, fix)


def left_out(name: str, zh: str, en: str) -> Check:
    """A probe that cannot be made here."""
    return Check(Level.SKIP, name, Text(zh, en))


def unreachable(name: str, error: SSOError) -> Check:
    """No answer at all."""
    return ill(
        name,
        Text(f"无法访问：{error.hint}", f"Cannot be reached: {error.hint}"),
        Text(
            "检查地址、防火墙与证书；内网地址须 allow_private = true，自建 CA 须 ca_file",
            "Check the address, the firewall and the certificate; a private address needs"
            " allow_private = true, an own certificate authority needs ca_file",
        ),
    )


def clock_of(env: Env, answer: Answer) -> Check:
    """The server's clock beside ours, by the Date of an answer, in whole seconds."""
    name = "clock"
    try:
        theirs = parsedate_to_datetime(answer.headers.get("date", ""))
        off = round((theirs - env.now()).total_seconds())
    except (ValueError, TypeError):
        return left_out(name, "服务器未报时间", "The server tells no time")
    detail = Text(f"服务器时钟相差 {off} 秒", f"The server's clock is {off} s from ours")
    if abs(off) < CLOCK_WARN_SECONDS:
        return Check(Level.OK, name, detail, NOTHING)
    fix = Text("双方校时（NTP）", "Set both clocks by NTP")
    return ill(name, detail, fix, Level.FAIL if abs(off) > CLOCK_FAIL_SECONDS else Level.WARN)
