"""The words that policy values are made of."""

from enum import StrEnum


class AuthMethod(StrEnum):
    """A way to prove to be a cardholder."""

    SSO = "SSO"
    REAL_NAME = "REAL_NAME"
    FORM = "FORM"
    EXTERNAL_FORM = "EXTERNAL_FORM"
    WECOM_EMAIL = "WECOM_EMAIL"
    WECOM_PHONE = "WECOM_PHONE"


class FormField(StrEnum):
    """A field of the sign-in form."""

    NAME = "NAME"
    NUMBER = "NUMBER"
    NUMBER_OR_CARD = "NUMBER_OR_CARD"
    PIN = "PIN"
    QUERY_PIN = "QUERY_PIN"


class PinDefault(StrEnum):
    """How the initial PIN is made from the roster."""

    NONE = "NONE"
    ID6 = "ID6"
    ID6_X_TO_0 = "ID6_X_TO_0"
    ID6_LETTER_TO_0 = "ID6_LETTER_TO_0"
    CONSTANT_123456 = "CONSTANT_123456"


class PinKind(StrEnum):
    """What a PIN is for."""

    PAY = "PAY"
    QUERY = "QUERY"
    CARD = "CARD"


class Place(StrEnum):
    """Where something about a card is done."""

    APP = "APP"
    WINDOW = "WINDOW"
    CENTRE = "CENTRE"
    KIOSK = "KIOSK"


class LossCredential(StrEnum):
    """What reports a loss."""

    PIN = "PIN"
    QUERY_PIN = "QUERY_PIN"
    FRESH_LOGIN = "FRESH_LOGIN"


class Evidence(StrEnum):
    """What a holder brings along."""

    CARD = "CARD"
    ID = "ID"


class PreferredCode(StrEnum):
    """The code that the app shows first."""

    CAMPUS = "CAMPUS"
    VIRTUAL = "VIRTUAL"
    PAYMENT = "PAYMENT"


class Instrument(StrEnum):
    """What pays at a terminal."""

    PHYSICAL = "PHYSICAL"
    VIRTUAL = "VIRTUAL"
    CAMPUS = "CAMPUS"
    WALLET = "WALLET"


class PurseModel(StrEnum):
    """Whether the chip is an identifier or holds money of its own."""

    SINGLE = "SINGLE"
    ON_CARD = "ON_CARD"


class ClaimPlace(StrEnum):
    """Where pending money is written onto the card."""

    NETWORKED_POS = "NETWORKED_POS"
    SPENDING_POS = "SPENDING_POS"
    KIOSK = "KIOSK"


class TopUpMethod(StrEnum):
    """How money comes in."""

    ALIPAY = "ALIPAY"
    WECHAT = "WECHAT"
    CASH = "CASH"


class PersonRight(StrEnum):
    """What a kind of cardholder has."""

    PHYSICAL = "PHYSICAL"
    VIRTUAL = "VIRTUAL"
    SPEND = "SPEND"
    ENTRY = "ENTRY"


class Channel(StrEnum):
    """Where a cardholder meets us (M-003)."""

    ALIPAY_MINI = "ALIPAY_MINI"
    WECHAT_OFFICIAL = "WECHAT_OFFICIAL"
    WECHAT_MINI = "WECHAT_MINI"
    WECOM = "WECOM"
    NATIVE = "NATIVE"


class Feature(StrEnum):
    """What a school may offer or not (M-032)."""

    BINDING = "BINDING"
    VIRTUAL_CARD = "VIRTUAL_CARD"
    CAMPUS_CODE = "CAMPUS_CODE"
    MERCHANT_CODE = "MERCHANT_CODE"
    WALLET_CODE = "WALLET_CODE"
    WITHHOLD = "WITHHOLD"
    TOP_UP = "TOP_UP"
    STATEMENT = "STATEMENT"
    LOSS = "LOSS"
    PIN = "PIN"
    LIMIT = "LIMIT"
    ENTRY = "ENTRY"
    FACE_PAYMENT = "FACE_PAYMENT"
    TRANSIT_CARD = "TRANSIT_CARD"
    APPEAL = "APPEAL"
    SHOWER = "SHOWER"
    DORMITORY_WATER = "DORMITORY_WATER"
    NETWORK_FEE = "NETWORK_FEE"
    ELECTRICITY = "ELECTRICITY"
    NEWS = "NEWS"
    JOBS = "JOBS"
    LOST_AND_FOUND = "LOST_AND_FOUND"
