"""What each word of a school's policy means to a client."""

from core.ports.campus_sign_on import SignOnFlow
from core.school.policy_file import ServicePointKind
from core.school.policy_words import AuthMethod, Channel, Feature, FormField
from schema.enums import described

described(
    AuthMethod,
    "A way to prove to be a cardholder.",
    {
        AuthMethod.SSO: "The campus single sign-on.",
        AuthMethod.REAL_NAME: "The wallet's verified real name.",
        AuthMethod.FORM: "A form of name, number and PIN.",
        AuthMethod.EXTERNAL_FORM: "The form, for people from outside only.",
        AuthMethod.WECOM_EMAIL: "Membership of the school's WeCom, by e-mail.",
        AuthMethod.WECOM_PHONE: "Membership of the school's WeCom, by phone.",
    },
)
described(
    Channel,
    "Where a cardholder meets us.",
    {
        Channel.ALIPAY_MINI: "The Alipay mini-program.",
        Channel.WECHAT_OFFICIAL: "The WeChat official account, in its web-view.",
        Channel.WECHAT_MINI: "The WeChat mini-program.",
        Channel.WECOM: "Enterprise WeChat, its web-view and mini-program.",
        Channel.NATIVE: "The native app.",
    },
)
described(
    ServicePointKind,
    "What is done at a place.",
    {
        ServicePointKind.CARD_CENTRE: "Everything about cards.",
        ServicePointKind.WINDOW: "A window, with staff.",
        ServicePointKind.KIOSK: "A machine that helps without staff.",
        ServicePointKind.HELP_DESK: "Questions are answered.",
    },
)
described(
    FormField,
    "A field of the form that binds a card.",
    {
        FormField.NAME: "The name.",
        FormField.NUMBER: "The student or staff number.",
        FormField.NUMBER_OR_CARD: "The number, or the number of the card.",
        FormField.PIN: "The PIN that pays.",
        FormField.QUERY_PIN: "The PIN that only queries.",
    },
)
described(
    Feature,
    "What a school may offer.",
    {
        Feature.BINDING: "Binding a card.",
        Feature.VIRTUAL_CARD: "The virtual card and its code.",
        Feature.CAMPUS_CODE: "The campus code, paid by a debit agreement.",
        Feature.MERCHANT_CODE: "Scanning a merchant's code to pay.",
        Feature.WALLET_CODE: "The wallet's own payment code at terminals.",
        Feature.WITHHOLD: "Debit agreements.",
        Feature.TOP_UP: "Topping up.",
        Feature.STATEMENT: "The statement.",
        Feature.LOSS: "Reporting a loss.",
        Feature.PIN: "Changing the PIN.",
        Feature.LIMIT: "Changing the limits.",
        Feature.ENTRY: "Gates and doors.",
        Feature.FACE_PAYMENT: "Payment by face.",
        Feature.TRANSIT_CARD: "A bound transit card.",
        Feature.APPEAL: "Appeals against a statement line.",
        Feature.SHOWER: "Showers.",
        Feature.DORMITORY_WATER: "Water in dormitories.",
        Feature.NETWORK_FEE: "The network fee.",
        Feature.ELECTRICITY: "Electricity of rooms.",
        Feature.NEWS: "News and notices.",
        Feature.JOBS: "Jobs.",
        Feature.LOST_AND_FOUND: "Lost and found.",
    },
)
described(
    SignOnFlow,
    "How a campus sign-on goes.",
    {
        SignOnFlow.REDIRECT: "In a browser, on the school's page: `campusSignInBegin`.",
        SignOnFlow.PASSWORD: "In a browser, on a form of ours: `campusSignInBegin`.",
        SignOnFlow.CODE: "By a code of the channel, without a browser: `campusSignInByCode`.",
    },
)
