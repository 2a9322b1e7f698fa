"""The policy of one school: every key with its type, default, bounds and meaning, said once.

Each annotation below is a row of the policy table (mission.md section 2, codes.md 13, terminals.md
12): the reader, the lint, the difference, the documentation and typed access are all made from it.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated

from core.kit.money import MAXIMUM_MINOR
from core.school.policy_words import (
    AuthMethod,
    Channel,
    ClaimPlace,
    Evidence,
    Feature,
    FormField,
    Instrument,
    LossCredential,
    PersonRight,
    PinDefault,
    PinKind,
    Place,
    PreferredCode,
    PurseModel,
    TopUpMethod,
)
from core.school.typed_table import Key

_CODE_SECONDS_MAXIMUM = 120
SITES_MAXIMUM = 16
_DAYS_MAXIMUM = 365


@dataclass(frozen=True, slots=True)
class Auth:
    """How a person proves to be a cardholder."""

    methods: Annotated[tuple[AuthMethod, ...], Key("认证方式，按显示顺序", "Ways to sign in")] = (
        AuthMethod.SSO,
        AuthMethod.REAL_NAME,
        AuthMethod.FORM,
    )
    form_fields: Annotated[
        tuple[FormField, ...], Key("手工认证表单的字段", "Fields of the form")
    ] = (FormField.NAME, FormField.NUMBER, FormField.PIN)
    own_real_name_only: Annotated[
        bool, Key("只接受本人实名的钱包", "Only a wallet in the holder's own real name")
    ] = True


@dataclass(frozen=True, slots=True)
class Pin:
    """PIN words, the initial PIN, and where a PIN is changed."""

    default: Annotated[PinDefault, Key("初始密码规则", "Rule of the initial PIN")] = PinDefault.NONE
    kinds: Annotated[frozenset[PinKind], Key("密码种类", "Kinds of PIN")] = frozenset({PinKind.PAY})
    change_via: Annotated[frozenset[Place], Key("改密途径", "Where a PIN is changed")] = frozenset(
        {Place.APP, Place.WINDOW}
    )
    reset_via: Annotated[
        frozenset[Place],
        Key("忘记密码的重置途径，手机上须再次核验", "Where a PIN is reset; APP needs step-up"),
    ] = frozenset({Place.APP, Place.WINDOW})
    unlock_via: Annotated[
        frozenset[Place],
        Key("密码解锁途径，手机上须再次核验", "Where a PIN is unlocked; APP needs step-up"),
    ] = frozenset({Place.APP, Place.WINDOW})
    change_forced: Annotated[
        bool, Key("初始密码须先修改", "The initial PIN has to be changed first")
    ] = True
    tries: Annotated[int, Key("密码可试次数", "Wrong tries that lock a PIN", 3, 10)] = 5


@dataclass(frozen=True, slots=True)
class Loss:
    """Loss report and release."""

    credential: Annotated[
        frozenset[LossCredential], Key("挂失凭据，任一即可", "Any one of these reports a loss")
    ] = frozenset({LossCredential.PIN, LossCredential.FRESH_LOGIN})
    release_via: Annotated[frozenset[Place], Key("解挂途径", "Where a loss is released")] = (
        frozenset({Place.CENTRE, Place.KIOSK, Place.WINDOW})
    )
    release_with: Annotated[
        frozenset[Evidence],
        Key("解挂须出示", "What a release at a desk or kiosk needs", may_be_empty=True),
    ] = frozenset()
    release_own_campus: Annotated[bool, Key("只在本校区解挂", "Release at the own campus only")] = (
        False
    )
    virtual_keeps: Annotated[
        bool, Key("实体卡挂失后虚拟卡可用", "The virtual card works after loss of the physical")
    ] = True


@dataclass(frozen=True, slots=True)
class Replace:
    """Replacement of a physical card."""

    via: Annotated[frozenset[Place], Key("补卡途径", "Where a card is replaced")] = frozenset(
        {Place.WINDOW, Place.KIOSK}
    )
    fee_minor: Annotated[int, Key("补卡工本费", "Fee of a replacement", 0, 50_000)] = 0


@dataclass(frozen=True, slots=True)
class Limit:
    """Amounts above which a PIN is needed."""

    daily_minor: Annotated[int, Key("日累计限额", "Daily limit", 0, 1_000_000)] = 5_000
    single_minor: Annotated[int, Key("单笔限额", "Single limit", 0, 1_000_000)] = 3_000
    change_via: Annotated[frozenset[Place], Key("改限额途径", "Where limits are changed")] = (
        frozenset({Place.APP, Place.WINDOW})
    )
    app_max_minor: Annotated[
        int, Key("手机可设的最高限额", "Highest limit that the app may set", 0, 1_000_000)
    ] = 20_000


@dataclass(frozen=True, slots=True)
class Code:
    """Dynamic codes (codes.md 1, 4, 10, 13)."""

    preferred: Annotated[PreferredCode, Key("首先显示的码", "The code shown first")] = (
        PreferredCode.CAMPUS
    )
    holder_chooses: Annotated[bool, Key("持卡人可自选默认码", "The holder may choose another")] = (
        True
    )
    pin_at_first_open: Annotated[
        bool, Key("每台设备首次打开输密码", "PIN at the first opening on each device")
    ] = True
    life_seconds: Annotated[
        int, Key("码的有效期", "Life of a shown code", 15, _CODE_SECONDS_MAXIMUM)
    ] = 45
    skew_seconds: Annotated[
        int, Key("允许的时钟误差", "Clock error allowed", 0, _CODE_SECONDS_MAXIMUM)
    ] = 15
    rotation_seconds: Annotated[
        int, Key("码的刷新间隔", "A new code is shown after", 5, _CODE_SECONDS_MAXIMUM)
    ] = 30
    challenge_above_minor: Annotated[
        int,
        Key("联网时超过此额须扫终端码，0 为不要求", "Online, scan the terminal above; 0: never",
            0, MAXIMUM_MINOR),
    ] = 5_000  # fmt: skip
    devices: Annotated[int, Key("每人可用设备数", "Devices per cardholder", 1, 5)] = 2


@dataclass(frozen=True, slots=True)
class Pay:
    """What pays first."""

    priority: Annotated[tuple[Instrument, ...], Key("支付优先级", "Order of instruments")] = (
        Instrument.PHYSICAL,
        Instrument.VIRTUAL,
        Instrument.CAMPUS,
        Instrument.WALLET,
    )


@dataclass(frozen=True, slots=True)
class Cap:
    """One cap class: what one offline authority may accept per slot (codes.md 13)."""

    amount_minor: Annotated[int, Key("脱机单笔上限", "Offline cap per purchase", 0, 100_000)]
    count: Annotated[int, Key("脱机笔数上限", "Offline purchases per slot", 0, 100)]
    total_minor: Annotated[int, Key("脱机累计上限", "Offline sum per slot", 0, 100_000)]


@dataclass(frozen=True, slots=True)
class Offline:
    """What goes on without a network, and how much may be lost by it (codes.md 13)."""

    money: Annotated[bool, Key("允许脱机消费", "Offline purchases are allowed")] = False
    instruments: Annotated[
        frozenset[Instrument], Key("可脱机的介质", "Instruments offline", may_be_empty=True)
    ] = frozenset({Instrument.PHYSICAL, Instrument.VIRTUAL, Instrument.CAMPUS})
    cap_class: Annotated[int, Key("默认额度等级", "Cap class of a pass", 1, 2)] = 2
    sites: Annotated[int, Key("一码可脱机的站点数", "Sites a pass may name", 0, SITES_MAXIMUM)] = 2
    reserve_minor: Annotated[
        int, Key("发码时预留的备用金", "Reserve set aside at issue", 0, 100_000)
    ] = 0
    accepted_loss_minor: Annotated[
        int,
        Key("学校接受的每人手机和卡的最大脱机损失", "The loss per phone and card that is accepted",
            0, MAXIMUM_MINOR),
    ] = 0  # fmt: skip
    campus_code_hours: Annotated[
        int, Key("校园码脱机有效小时", "Hours a campus code works offline", 1, 24)
    ] = 24
    deny_age_hours: Annotated[
        int, Key("黑名单最长时效", "Oldest deny list that still allows money", 1, 72)
    ] = 24
    challenge_above_minor: Annotated[
        int,
        Key("脱机时超过此额须扫终端码，0 为不要求", "Offline, scan the terminal above; 0: never",
            0, MAXIMUM_MINOR),
    ] = 0  # fmt: skip
    cap_1: Cap = Cap(2_000, 3, 5_000)
    cap_2: Cap = Cap(1_000, 2, 2_000)
    cap_high: Cap = Cap(5_000, 4, 10_000)
    cap_card: Cap = Cap(1_000, 2, 2_000)


@dataclass(frozen=True, slots=True)
class Terminal:
    """What terminals keep and how long they may stay silent (terminals.md 8, 12)."""

    heartbeat_seconds: Annotated[int, Key("心跳间隔", "Heartbeat interval", 10, 300)] = 30
    hold_hours: Annotated[int, Key("预授权保留小时", "Hours a hold lives", 1, 24)] = 24
    stored_records: Annotated[
        int, Key("脱机记录条数上限", "Offline records a terminal keeps", 1, 2_000)
    ] = 2_000
    stored_total_minor: Annotated[
        int, Key("脱机记录金额上限", "Sum of offline records", 1, 2_000_000)
    ] = 2_000_000
    upload_due_hours: Annotated[int, Key("上传期限小时", "Hours until an upload is due", 1, 72)] = (
        24
    )
    upload_days: Annotated[
        int, Key("迟到记录最长天数", "Days an offline record may arrive late", 1, 10)
    ] = 10
    operators: Annotated[
        bool, Key("退款须操作员签到", "Only an operator who is signed on refunds")
    ] = False


@dataclass(frozen=True, slots=True)
class Purse:
    """Where the money of a physical card lives."""

    model: Annotated[PurseModel, Key("钱包模式", "Purse model")] = PurseModel.SINGLE


@dataclass(frozen=True, slots=True)
class Claim:
    """Where pending money is claimed onto the card (only purse model ON_CARD)."""

    via: Annotated[frozenset[ClaimPlace], Key("领款途径", "Where money is claimed")] = frozenset(
        {ClaimPlace.NETWORKED_POS, ClaimPlace.KIOSK}
    )


@dataclass(frozen=True, slots=True)
class TopUp:
    """Money in."""

    channels: Annotated[
        frozenset[TopUpMethod], Key("充值方式", "Ways to top up", may_be_empty=True)
    ] = frozenset({TopUpMethod.ALIPAY, TopUpMethod.WECHAT, TopUpMethod.CASH})
    presets_minor: Annotated[
        tuple[int, ...], Key("充值面额", "Preset amounts", 1, 1_000_000)
    ] = (1_000, 2_000, 3_000, 5_000, 10_000, 20_000)  # fmt: skip
    free_max_minor: Annotated[
        int, Key("自定金额上限，0 为不可自定", "Highest free amount; 0: presets only", 0, 1_000_000)
    ] = 50_000


@dataclass(frozen=True, slots=True)
class Person:
    """What kinds of cardholder have."""

    temporary: Annotated[
        frozenset[PersonRight], Key("临时人员的权利", "What temporary staff have")
    ] = frozenset({PersonRight.VIRTUAL, PersonRight.SPEND})


@dataclass(frozen=True, slots=True)
class App:
    """The first page of the app."""

    grid: Annotated[
        tuple[Feature, ...], Key("宫格应用，按显示顺序", "Tiles of the grid", may_be_empty=True)
    ] = (
        Feature.VIRTUAL_CARD,
        Feature.TOP_UP,
        Feature.STATEMENT,
        Feature.LOSS,
        Feature.PIN,
        Feature.LIMIT,
        Feature.SHOWER,
        Feature.NETWORK_FEE,
        Feature.ELECTRICITY,
        Feature.APPEAL,
    )


@dataclass(frozen=True, slots=True)
class CampusRules:
    """Differences between campuses."""

    features: Annotated[
        Mapping[Feature, frozenset[str]],
        Key("功能只在这些校区开放，未列出者全开", "Feature -> its campuses; unlisted: everywhere",
            may_be_empty=True),
    ] = field(default_factory=dict)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ChannelRules:
    """Differences between channels."""

    features: Annotated[
        Mapping[Feature, frozenset[Channel]],
        Key("功能只在这些渠道开放，未列出者全开", "Feature -> its channels; unlisted: everywhere",
            may_be_empty=True),
    ] = field(default_factory=dict)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Closing:
    """Leaving the school (mission.md section 3.1)."""

    wait_days: Annotated[
        int, Key("销户等待天数", "Days between closing and refund", 2, _DAYS_MAXIMUM)
    ] = 11


@dataclass(frozen=True, slots=True)
class Withhold:
    """Collections that failed (mission.md section 3.3)."""

    retry_days: Annotated[
        tuple[int, ...],
        Key("扣款重试日", "Days after a failure on which to retry", 0, 90, may_be_empty=True),
    ] = (0, 1, 3, 7)
    suspend_days: Annotated[
        int, Key("欠款多少天后暂停协议", "Days of arrears that suspend", 1, _DAYS_MAXIMUM)
    ] = 30


@dataclass(frozen=True, slots=True)
class Appeal:
    """Appeals against a statement line (mission.md section 3.5)."""

    deadline_days: Annotated[
        int, Key("申述期限", "Days to appeal after posting", 1, _DAYS_MAXIMUM)
    ] = 30
    merchant_days: Annotated[int, Key("商户答复期限", "School days for the merchant", 1, 30)] = 3
    staff_days: Annotated[int, Key("学校裁定期限", "Days until staff decide", 1, 60)] = 7


@dataclass(frozen=True, slots=True)
class Staff:
    """Acts of staff (security.md 8)."""

    four_eyes_minor: Annotated[
        int, Key("超过此额须双人复核", "Two persons above this amount", 0, MAXIMUM_MINOR)
    ] = 50_000


@dataclass(frozen=True, slots=True)
class Day:
    """The school day (mission.md section 3.6)."""

    zone: Annotated[str, Key("时区", "Time zone, an IANA name")] = "Asia/Shanghai"


@dataclass(frozen=True, slots=True)
class Guardian:
    """Guardians (mission.md section 3.7)."""

    enabled: Annotated[bool, Key("允许监护人", "Guardians may be granted rights")] = False


@dataclass(frozen=True, slots=True)
class Policy:
    """One school's policy; `Policy()` is what a silent school gets."""

    auth: Auth = Auth()
    pin: Pin = Pin()
    loss: Loss = Loss()
    replace: Replace = Replace()
    limit: Limit = Limit()
    code: Code = Code()
    pay: Pay = Pay()
    offline: Offline = Offline()
    terminal: Terminal = Terminal()
    purse: Purse = Purse()
    claim: Claim = Claim()
    top_up: TopUp = TopUp()
    person: Person = Person()
    app: App = App()
    campus: CampusRules = CampusRules()
    channel: ChannelRules = ChannelRules()
    closing: Closing = Closing()
    withhold: Withhold = Withhold()
    appeal: Appeal = Appeal()
    staff: Staff = Staff()
    day: Day = Day()
    guardian: Guardian = Guardian()


PolicyOf = Callable[[int], Awaitable[Policy]]
"""The policy in force of a school, by its id."""
