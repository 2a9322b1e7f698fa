"""The script of a meter: what is pressed and run, and what goes wrong meanwhile."""

from dataclasses import replace

from bff.conformance.school import METER_NO
from bff.conformance.script import DOCUMENTS, ENROL
from bff.conformance.script_after import HALF_ROTATION, ROTATION
from bff.conformance.steps import Code, Do, Ends, Fault, Part, Question, Rule, Step
from bff.conformance.words import Text

START, STOP = "MeterStart", "MeterStop"
_TYPE = Text(
    f"在 {METER_NO} 号水控机按确认，输入下面的 8 位数字",
    f"Press confirm at meter {METER_NO} and type these 8 digits",
)
_CANCEL = Text("；放水几秒后按取消", "; let water run for some seconds, then cancel")
_AWAY = Text("网络已断。", "The network is away. ")


def _use(
    id_: str, *rules: Rule, code: Code = Code.CODE8, answer: str = "00", then: Text = _CANCEL
) -> Step:
    text = Text(_TYPE.zh + then.zh, _TYPE.en + then.en)
    return Step(id_, Do.METER, text, 0, code, answer, rules, Question.WATER)


def _alone(id_: str, code: Code) -> Step:
    step = _use(id_, Rule(Fault.REQUEST_LOST, times=None), code=code)
    text = Text(_AWAY.zh + step.text.zh, _AWAY.en + step.text.en)
    return replace(step, text=text, part=Part.OFFLINE)


_CUT = (
    _use(
        "meter.cut",
        then=Text(
            "；放水 20 秒，不要关，告诉本程序后立即做下一步",
            "; let water run for 20 s, do not stop it, say it here and do the next step at once",
        ),
    ),
    Step(
        "meter.power",
        Do.POWER_CUT,
        Text(
            "在出水时拔掉终端电源，再通电启动，然后告诉本程序继续",
            "Pull the terminal's plug while water runs, start it again, then go on here",
        ),
    ),
    Step(
        "meter.told",
        Do.UPLOAD,
        Text(
            "请等待：终端自行上报断电前的用水",
            "Wait: the terminal tells by itself what ran before the power cut",
        ),
        ends=Ends.STOPPED,
        of="meter.cut",
    ),
)
_ALONE = (
    _alone("meter.alone", Code.CODE8),
    _alone("meter.alone.again", Code.AGAIN),
    Step(
        "meter.upload",
        Do.UPLOAD,
        Text(
            "网络已恢复。请等待：终端自行上报断网时的用水",
            "The network is back. Wait: the terminal tells what ran without it",
        ),
        rules=(Rule(Fault.ANSWER_LOST, START),),
        ends=Ends.STOPPED,
        of="meter.alone",
        part=Part.OFFLINE,
    ),
)
METER_SCRIPT = (
    ENROL,
    DOCUMENTS,
    Step(
        "meter.sync",
        Do.UPLOAD,
        Text("让终端取回它的水控机", "Let the terminal fetch its meters"),
        ends=Ends.SYNCED,
    ),
    _use("meter.start"),
    replace(
        _use("meter.scan", code=Code.TOKEN),
        text=Text(
            f"在 {METER_NO} 号水控机扫下面的码{_CANCEL.zh}",
            f"Scan this code at meter {METER_NO}{_CANCEL.en}",
        ),
    ),
    _use("meter.denied", code=Code.WRONG8, answer="M1"),
    _use("meter.lost", Rule(Fault.ANSWER_LOST, START)),
    _use("meter.forged", Rule(Fault.WRONG_KEY, START), code=Code.WRONG8, answer="M1"),
    _use("meter.stop", Rule(Fault.ANSWER_LOST, STOP)),
    _use(
        "meter.idle",
        then=Text(
            "；放水几秒后按确认暂停，然后 5 分钟什么都不按",
            "; let water run for some seconds, pause it with confirm, then press nothing for 5 min",
        ),
    ),
    *_CUT,
    *_ALONE,
    *ROTATION,
    *HALF_ROTATION,
)
