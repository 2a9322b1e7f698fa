"""Use cases of the school context: schools, terminals and their documents, staff and four eyes."""

from core.school.service.deny import DenyList
from core.school.service.documents import Documents
from core.school.service.four_eyes import FourEyes, FourEyesAct
from core.school.service.losses import Losses
from core.school.service.operators import Operators
from core.school.service.prints import Prints
from core.school.service.schools import Schools
from core.school.service.staff import Staff
from core.school.service.terminals import Terminals

__all__ = [
    "DenyList",
    "Documents",
    "FourEyes",
    "FourEyesAct",
    "Losses",
    "Operators",
    "Prints",
    "Schools",
    "Staff",
    "Terminals",
]
