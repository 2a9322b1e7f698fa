"""The pages of a campus sign-on: small, bilingual, without a cookie of their own, never kept."""

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from jinja2 import Environment
from starlette.responses import HTMLResponse, RedirectResponse, Response

from core.identity.service.campus_sign_in import Opened

NEVER_KEPT = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
_SOURCE = Path(__file__).parents[1].joinpath("pages", "sign_on.html")
_BRIDGES = {
    "WECHAT_MINI": "https://res.wx.qq.com/open/js/jweixin-1.6.0.js",
    "ALIPAY_MINI": "https://appx/web-view.min.js",
}
"""The platform's own script, by which a web-view hands over to its mini-program."""
_TEXTS = {
    "again": (
        "登录已失效,请回到应用重新开始。",
        "This sign-in is over. Go back to the app and begin again.",
    ),
    "busy": (
        "系统繁忙,请回到应用稍后重试。",
        "The system is busy. Go back to the app and try again in a moment.",
    ),
    "DENIED": (
        "学校的认证系统没有通过,请回到应用重试。",
        "The school did not confirm the sign-in. Go back to the app and try again.",
    ),
    "INCOMPLETE": (
        "学校的认证系统缺少必要的信息,请联系学校信息中心。",
        "The school's sign-on tells too little about you. Please tell the school's IT.",
    ),
    "MISCONFIGURED": (
        "统一身份认证的配置有误,请联系学校信息中心。",
        "The campus sign-on is not set up correctly. Please tell the school's IT.",
    ),
    "PROTOCOL_VIOLATION": (
        "学校的认证系统应答有误,请回到应用重试。",
        "The school's answer was not valid. Go back to the app and try again.",
    ),
    "UPSTREAM": (
        "学校的认证系统暂时没有应答,请稍后重试。",
        "The school's sign-on does not answer now. Try again in a moment.",
    ),
    "done": ("登录成功,正在返回应用…", "Signed in. Going back to the app …"),
    "tries": (
        "尝试次数过多,请一天后再试或改用其他方式。",
        "Too many tries. Try again in a day, or sign in another way.",
    ),
    "wrong": ("用户名或密码不正确。", "User name or password is not right."),
}


class SignOnPages:
    """Makes them. `entropy` draws the nonces of their scripts."""

    def __init__(self, entropy: Callable[[int], bytes]) -> None:
        self._entropy = entropy
        self._template = Environment(autoescape=True).from_string(_SOURCE.read_text("utf-8"))

    def told(self, what: str, status: int) -> Response:
        """A page that says what happened and what to do next."""
        return self._page(status, "", kind="told", text=_TEXTS[what])

    def form(self, action: str, opened: Opened, wrong: bool = False) -> Response:
        """Our own form, for a school that has none."""
        # A browser holds a form's policy against the redirect that answers it, too.
        target = _origin(opened.return_to or "")
        text = _TEXTS["wrong"] if wrong else ("", "")
        return self._page(
            401 if wrong else 200, f"'self' {target}", kind="form", action=action,
            state=opened.state, label=(opened.label_zh, opened.label_en), text=text,
        )  # fmt: skip

    def post(self, url: str, fields: Mapping[str, str]) -> Response:
        """Posts fields to the school's page by itself, which may lead on to its other hosts."""
        targets = f"{_origin(url)} https:"
        return self._page(200, targets, kind="post", action=url, fields=dict(fields))

    def back(self, channel: str, return_to: str, code: str) -> Response:
        """The way back: by the platform's bridge in a web-view, by a redirect everywhere else."""
        url = f"{return_to}?code={code}"
        if channel not in _BRIDGES:
            return RedirectResponse(url, 303, NEVER_KEPT)
        bridge = _BRIDGES[channel]
        return self._page(
            200, "", bridge, kind="back", channel=channel, url=url, bridge=bridge,
            text=_TEXTS["done"],
        )  # fmt: skip

    def tested(
        self, released: Mapping[str, Sequence[str]], mapped: Mapping[str, object], card: str
    ) -> Response:
        """What a test log-in of school IT showed; there is no session and no row."""
        return self._page(200, "", kind="tested", released=released, mapped=mapped, card=card)

    def _page(
        self, status: int, form_action: str, script: str = "", **content: object
    ) -> HTMLResponse:
        nonce = b64encode(self._entropy(16)).decode()
        posts_to = form_action.strip() or "'none'"
        policy = (
            f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}' {script};"
            f" form-action {posts_to}; frame-ancestors 'none'; base-uri 'none'"
        )
        html = self._template.render(nonce=nonce, **content)
        return HTMLResponse(html, status, {**NEVER_KEPT, "content-security-policy": policy})


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
