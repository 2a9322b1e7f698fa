"""Reading a merchant's code for the payer who scanned it."""

from core.school.policy_words import Feature
from schema.context import CardholderViewer, RequestInfo
from schema.merchant_code.errors import MERCHANT_CODE
from schema.merchant_code.types import MerchantCode, MerchantCodeReading
from schema.payload import answer
from schema.services import services
from terminals.merchant_codes import Payer


async def read_merchant_code(info: RequestInfo, text: str) -> MerchantCodeReading | None:
    """What a code asks for; None for every viewer but a cardholder."""
    viewer = info.context.viewer
    if not isinstance(viewer, CardholderViewer):
        return None
    payer = Payer(viewer.school_id, viewer.cardholder_id)
    return await answer(
        info,
        MERCHANT_CODE,
        MerchantCodeReading,
        lambda code: MerchantCodeReading(code=MerchantCode.of(code)),
        services(info).merchant_codes.read(payer, text),
        Feature.MERCHANT_CODE,
    )
