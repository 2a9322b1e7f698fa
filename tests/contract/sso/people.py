"""The invented people whom the servers of these tests know."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pupil:
    """Somebody with a campus account."""

    login: str
    number: str
    name: str
    mail: str
    kind: str = "全日制学生"


PUPILS = (
    Pupil("pupil0", "007001", "示例甲&乙", "jia@people.example"),
    Pupil("pupil1", "007002", "示例丙", "bing@people.example"),
    Pupil("pupil2", "007003", "示例丁", "ding@people.example", "教师"),
    Pupil("pupil3", "007004", "示例戊 <戊>", "wu@people.example"),
)
PASSWORD = "a long campus passphrase"
BY_LOGIN = {pupil.login: pupil for pupil in PUPILS}
