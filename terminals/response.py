"""Response codes (ISO 8583 field 39): the one table from a refusal's name to what people read."""

from dataclasses import dataclass
from enum import StrEnum

from terminals.codes import CodeRefusal, Use


class Action(StrEnum):
    """What the terminal does next (terminals.md 4)."""

    DONE = "DONE"
    NEXT = "NEXT"
    PIN = "PIN"
    STATUS = "STATUS"
    FIX = "FIX"
    SYNC = "SYNC"
    CALL = "CALL"
    NEW_BATCH = "NEW_BATCH"
    CARD_REFRESH = "CARD_REFRESH"


@dataclass(frozen=True, slots=True)
class Response:
    """One response code. The texts of PIN_WRONG have the placeholder `{tries}`."""

    code: str
    name: str
    zh: str
    en: str
    action: Action


_TABLE = """\
00|APPROVED|交易成功|Approved|DONE
03|MERCHANT_INVALID|商户未启用|Merchant not active|CALL
05|REFUSED|交易被拒绝|Refused|NEXT
09|IN_PROGRESS|处理中，请稍候|In progress, please wait|STATUS
12|OPERATION_INVALID|当前状态不允许此操作|Not possible in this state|FIX
13|AMOUNT_INVALID|金额无效|Invalid amount|FIX
14|CARD_UNKNOWN|卡或账户不存在|Card or account unknown|NEXT
15|ISSUER_UNKNOWN|非本校卡码|Not issued by this school|NEXT
22|ALREADY_VOIDED|原交易已撤销|Already voided|DONE
25|ORIGINAL_NOT_FOUND|找不到原交易|Original not found|FIX
30|FORMAT_ERROR|报文格式错误|Message format error|CALL
40|NOT_SUPPORTED|功能未开通|Function not enabled|NEXT
41|CARD_LOST|此卡已挂失|Card reported lost|NEXT
46|ACCOUNT_CLOSED|账户已注销|Account closed|NEXT
51|BALANCE_TOO_LOW|余额不足，请充值|Balance too low, please top up|NEXT
54|CARD_EXPIRED|卡已过期|Card expired|NEXT
55|PIN_WRONG|密码错误，还可试 {tries} 次|Wrong PIN, {tries} tries left|PIN
57|HOLDER_NOT_ALLOWED|此用户不能在此使用|Not allowed for this holder|NEXT
58|TERMINAL_NOT_ALLOWED|本机不支持此交易|Not allowed on this terminal|CALL
61|AMOUNT_ABOVE_MAXIMUM|超出单笔上限|Above the maximum|FIX
62|CARDHOLDER_FROZEN|账户已冻结|Account frozen|NEXT
63|SECURITY_FAILED|安全校验失败|Security check failed|SYNC
64|AMOUNT_MISMATCH|与原金额不符|Differs from the original amount|FIX
65|COUNT_EXCEEDED|超出次数限制|Too many uses|NEXT
70|PIN_REQUIRED|超出限额，请输入支付密码|Above the limit, enter PIN|PIN
75|PIN_LOCKED|密码已锁定，请在手机解锁|PIN locked, unlock in the app|NEXT
90|BATCH_CLOSED|批次已结算|Batch already closed|NEW_BATCH
91|PROVIDER_UNAVAILABLE|支付渠道暂不可用|Provider not available|NEXT
94|DUPLICATE|重复交易|Duplicate|DONE
95|TOTALS_DIFFER|对账不平|Totals differ|FIX
96|SYSTEM_ERROR|系统异常，请重试|System error, try again|STATUS
97|TERMINAL_UNKNOWN|终端未登记|Terminal not registered|CALL
C0|CODE_EXPIRED|码已过期，请刷新|Code expired, refresh|NEXT
C1|CODE_USED|码已使用，请刷新|Code already used, refresh|NEXT
C2|CODE_UNREADABLE|无法识别|Cannot read|NEXT
C3|CODE_REVOKED|码已失效|Code revoked|NEXT
C4|KIND_NOT_ACCEPTED|请出示通行码|Show the entry code|NEXT
C5|CHALLENGE_REQUIRED|请扫终端上的码|Scan the code on this terminal|NEXT
C6|CODE_TIME_WRONG|手机时间异常，请联网刷新|Phone clock wrong, go online and refresh|NEXT
C7|OFFLINE_LIMIT|脱机额度已用完|Offline allowance used|NEXT
C8|OFFLINE_NOT_ALLOWED|脱机不支持|Not possible offline|NEXT
C9|CLOCK_UNTRUSTED|终端时间异常|Terminal clock not set|SYNC
E0|ENTRY_DENIED|无通行权限|No right to pass|DONE
E1|PASSBACK|请勿重复通行|Already inside|DONE
E2|OUT_OF_HOURS|非开放时间|Closed|DONE
S1|SIGN_ON_REQUIRED|请操作员先签到|Operator must sign on first|FIX
S2|OPERATOR_NOT_ALLOWED|操作员无此权限|Operator has no right to do this|FIX
S3|OPERATOR_UNKNOWN|操作员不存在或已停用|Operator unknown or blocked|FIX
S4|OPERATOR_LOCKED|操作员密码已锁定，请联系学校|Operator PIN locked, ask the school|CALL
W1|AGREEMENT_MISSING|未开通免密支付|No debit agreement|NEXT
W2|ARREARS_OUTSTANDING|有欠款未结清|Arrears open|NEXT
M1|CODE8_WRONG|预约码错误|Wrong code|FIX
M2|SLOT_CLOSED|不在预约时段|Not in the slot|FIX
M3|METER_BUSY|水控占用|Meter in use|FIX
L1|NOTHING_TO_LOAD|无待领金额|Nothing to claim|CARD_REFRESH
L2|LOAD_OPEN|领款未完成|Claim not finished|CARD_REFRESH
L3|CARD_OUT_OF_STEP|请先更新卡|Refresh the card first|CARD_REFRESH
"""


def _response(line: str) -> Response:
    code, name, zh, en, action = line.split("|")
    return Response(code, name, zh, en, Action(action))


RESPONSES = tuple(_response(line) for line in _TABLE.splitlines())
"""The table of terminals.md 4."""

_BY_CODE = {response.code: response for response in RESPONSES}
_CODE_BY_NAME = {response.name: response.code for response in RESPONSES} | {
    CodeRefusal.FORMAT: "C2",
    CodeRefusal.VERSION: "C2",
    CodeRefusal.MALFORMED: "C2",
    CodeRefusal.ISSUER_NOT_ACCEPTED: "15",
    CodeRefusal.KEY_UNKNOWN: "63",
    CodeRefusal.SIGNATURE: "63",
    CodeRefusal.ISSUER_SIGNATURE: "63",
    CodeRefusal.DEVICE_SIGNATURE: "63",
    CodeRefusal.CHALLENGE_UNEXPECTED: "C5",
    CodeRefusal.PASS_NOT_YET_VALID: "C6",
    CodeRefusal.CODE_FROM_FUTURE: "C6",
    CodeRefusal.PASS_EXPIRED: "C0",
    CodeRefusal.REVOKED: "C3",
    CodeRefusal.USE_NOT_ALLOWED: "57",
    CodeRefusal.OFFLINE_OFF: "C8",
    CodeRefusal.SITE_NOT_ALLOWED: "C8",
    CodeRefusal.DOOR_NOT_ALLOWED: "E0",
    CodeRefusal.CAP_AMOUNT: "C7",
    CodeRefusal.CAP_COUNT: "C7",
    CodeRefusal.CAP_TOTAL: "C7",
    # One answer for all three: whoever guesses digits learns nothing.
    CodeRefusal.ALIAS_UNKNOWN: "C0",
    CodeRefusal.ALIAS_LOCKED: "C0",
    CodeRefusal.TOTP_WRONG: "C0",
    CodeRefusal.CHALLENGE_EXPIRED: "C0",
    CodeRefusal.RECEIPT_EXPIRED: "C0",
    CodeRefusal.NOT_MINE: "25",
    CodeRefusal.NOT_OUTSTANDING: "25",
    # Five wrong codes: for ten minutes a meter looks at none.
    "METER_LOCKED": "65",
    "VIRTUAL_CARD_NOT_OPENED": "14",
    "FEATURE_OFF": "57",
}


def find_response(code: str) -> Response:
    """The response of a code; one that the table does not know acts as REFUSED."""
    return _BY_CODE.get(code, _BY_CODE["05"])


def response_to(refusal: str, use: Use = Use.PAY) -> Response:
    """The response to a refusal by its name: a `CodeRefusal` or the code of a core `Refusal`.

    A refusal that has no row of its own is REFUSED.
    """
    if refusal == CodeRefusal.USE_NOT_ALLOWED and use is Use.ENTRY:
        return _BY_CODE["E0"]
    return _BY_CODE[_CODE_BY_NAME.get(refusal, "05")]
