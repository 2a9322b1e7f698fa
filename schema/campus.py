"""The one schema of the product, out of all its areas."""

from schema.identity.sessions import SessionMutation
from schema.identity.sign_in import SignInMutation
from schema.root import CampusSchema, build_schema
from schema.school.queries import SchoolQuery, load_school
from schema.terminal.enrolment import EnrolmentMutation
from schema.terminal.look_up import LookUpMutation
from schema.terminal.purchases import PurchaseMutation
from schema.terminal.registry import TerminalQuery, load_terminal

SCHEMA: CampusSchema = build_schema(
    queries=[SchoolQuery, TerminalQuery],
    mutations=[
        SignInMutation,
        SessionMutation,
        EnrolmentMutation,
        LookUpMutation,
        PurchaseMutation,
    ],
    node_loaders={"School": load_school, "Terminal": load_terminal},
)
