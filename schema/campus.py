"""The one schema of the product, out of all its areas."""

from schema.binding.mutations import BindingMutation
from schema.card.cardholder import load_cardholder
from schema.card.mutations import CardMutation
from schema.card.pins import PinMutation
from schema.card.reads import load_card
from schema.claim.kiosk import KioskMutation
from schema.claim.look_up import LookUpMutation
from schema.claim.mutations import ClaimMutation
from schema.code.mutations import CodeMutation
from schema.code.types import load_device
from schema.doors.campus import CampusMutation
from schema.doors.channels import ChannelMutation
from schema.doors.guardians import GuardianMutation
from schema.doors.proofs import ProofMutation
from schema.entry.mutations import EntryMutation
from schema.identity.contacts import ContactMutation
from schema.identity.sessions import SessionMutation
from schema.identity.sign_in import SignInMutation
from schema.merchant_code.mutations import MerchantCodeMutation
from schema.root import CampusSchema, build_schema
from schema.school.queries import SchoolQuery, load_school
from schema.staff.card_reviews import CardReviewMutation
from schema.staff.cash import CashMutation
from schema.staff.operators import StaffOperatorMutation
from schema.staff.register import RegisterMutation
from schema.staff.reviews import ReviewMutation
from schema.staff.sign_in import StaffSignInMutation
from schema.staff.terminals import StaffTerminalMutation
from schema.statement.subscriptions import StatementSubscription
from schema.terminal.batches import BatchMutation
from schema.terminal.enrolment import EnrolmentMutation
from schema.terminal.offline import OfflineMutation
from schema.terminal.operators import OperatorMutation
from schema.terminal.purchases import PurchaseMutation
from schema.terminal.registry import TerminalQuery, load_terminal
from schema.terminal.sync import SyncMutation
from schema.viewer import ViewerQuery, load_binding, load_session
from schema.water.meters import MeterMutation
from schema.water.mutations import WaterMutation

SCHEMA: CampusSchema = build_schema(
    queries=[ViewerQuery, SchoolQuery, TerminalQuery],
    mutations=[
        SignInMutation,
        SessionMutation,
        ChannelMutation,
        CampusMutation,
        ProofMutation,
        BindingMutation,
        ContactMutation,
        GuardianMutation,
        CardMutation,
        PinMutation,
        CodeMutation,
        MerchantCodeMutation,
        EnrolmentMutation,
        SyncMutation,
        LookUpMutation,
        PurchaseMutation,
        OperatorMutation,
        EntryMutation,
        OfflineMutation,
        BatchMutation,
        MeterMutation,
        WaterMutation,
        ClaimMutation,
        KioskMutation,
        StaffSignInMutation,
        CashMutation,
        ReviewMutation,
        RegisterMutation,
        CardReviewMutation,
        StaffTerminalMutation,
        StaffOperatorMutation,
    ],
    subscriptions=[StatementSubscription],
    node_loaders={
        "Binding": load_binding,
        "Card": load_card,
        "Cardholder": load_cardholder,
        "CodeDevice": load_device,
        "School": load_school,
        "Session": load_session,
        "Terminal": load_terminal,
    },
)
