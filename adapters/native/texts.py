"""What messages say, in both languages: one text, because an address has no language."""

from core.ports.messages import Message, MessageTemplate

_SUBJECTS = {
    MessageTemplate.ONE_TIME_CODE: "校园卡验证码 Campus card code",
    MessageTemplate.SESSION_REUSED: "校园卡安全提醒 Campus card security notice",
    MessageTemplate.BINDING_ADDED: "校园卡绑定通知 Campus card bound",
    MessageTemplate.BINDING_REPLACED: "校园卡绑定变更 Campus card binding changed",
    MessageTemplate.BINDING_ENDED: "校园卡解绑通知 Campus card unbound",
    MessageTemplate.CONTACT_CHANGED: "校园卡联系方式变更 Campus card contact changed",
    MessageTemplate.GUARDIAN_ADDED: "校园卡监护人通知 Campus card guardian added",
}
_TEXTS = {
    MessageTemplate.ONE_TIME_CODE: (
        "验证码 {code}，{minutes} 分钟内有效。切勿告诉他人。",
        "Your code is {code}, good for {minutes} minutes. Tell it to nobody.",
    ),
    MessageTemplate.SESSION_REUSED: (
        "您的登录凭证被重复使用，相关设备已全部退出。如非本人操作，请尽快修改密码。",
        "A sign-in of yours was used twice and has been ended. If it was not you, change your PIN.",
    ),
    MessageTemplate.BINDING_ADDED: (
        "您的校园卡已在一个新的账号上绑定。如非本人操作，请立即挂失并联系卡务中心。",
        "Your card was bound in one more app. If it was not you, report the card as lost.",
    ),
    MessageTemplate.CONTACT_CHANGED: (
        "您校园卡的联系方式已变更，以后的通知发往新的地址。如非本人操作，请联系卡务中心。",
        "Where your card's notices go was changed. If it was not you, tell the card office.",
    ),
    MessageTemplate.GUARDIAN_ADDED: (
        "您已允许一位监护人使用校园卡的部分服务，可随时在手机上取消。如非本人操作，请联系卡务中心。",
        "A guardian may now use some services of your card; end it in the app at any time.",
    ),
    MessageTemplate.BINDING_REPLACED: (
        "您的校园卡已在新的账号上绑定，原绑定已解除。如非本人操作，请联系卡务中心。",
        "Your card was bound anew, the old binding ended. If it was not you, tell the card office.",
    ),
    MessageTemplate.BINDING_ENDED: (
        "您的校园卡在一个账号上的绑定已解除。如非本人操作，请联系卡务中心。",
        "Your card was unbound in one app. If it was not you, tell the card office.",
    ),
}


def subject_of(message: Message) -> str:
    """The subject line of a mail; never the code."""
    return _SUBJECTS[message.template]


def text_of(message: Message) -> str:
    """The text of a message, zh then en."""
    return "\n".join(text.format(**message.facts) for text in _TEXTS[message.template])
