"""What a phone asks the server; after that it can show codes by itself."""

import hashlib
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Awaitable, Callable, Mapping

from clients.device_key import SEED_BYTES, public_key
from clients.endpoint import Endpoint, Json, NotAllowed, QuestionRefused, no_headers
from clients.phone.wallet import Wallet
from clients.screen import month_of
from terminals.keys import signer
from terminals.message import device_message

PAGE = 20
PAYMENT_KEY_BYTES = 16


class Phone:
    """One person's phone. `clock` is in Unix seconds, `entropy` gives random bytes.

    `keep` puts the wallet on the disk; it is called before money is asked for.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        wallet: Wallet,
        clock: Callable[[], float],
        entropy: Callable[[int], bytes],
        keep: Callable[[], None] = lambda: None,
    ) -> None:
        self.wallet = wallet
        self._endpoint = endpoint
        self._clock = clock
        self._entropy = entropy
        self._keep = keep

    async def sign_in_begin(self, address: str) -> int:
        """Has a one-time code sent to an e-mail address or telephone; seconds until the next."""
        self.wallet.address = address
        payload = await self._endpoint.change(
            "SignInBegin", "signInBegin", self._address(), no_headers
        )
        seconds: int = payload["resendAfterSeconds"]
        return seconds

    async def sign_in_complete(self, code: str) -> str:
        """Signs in with the code received; what kind of viewer we are then."""
        given = {**self._address(), "code": code, "deviceLabel": self.wallet.device_label}
        payload = await self._endpoint.change("SignInComplete", "signInComplete", given, no_headers)
        self._keep_tokens(payload)
        kind: str = payload["viewerKind"]
        return kind

    async def channel_sign_in(self, channel: str, code: str) -> str:
        """Signs in with the code a channel gave this app; what kind of viewer we are then."""
        given = {
            "schoolCode": self.wallet.school_code,
            "channel": channel,
            "code": code,
            "deviceLabel": self.wallet.device_label,
        }
        payload = await self._endpoint.change("ChannelSignIn", "channelSignIn", given, no_headers)
        self._keep_tokens(payload)
        kind: str = payload["viewerKind"]
        return kind

    async def install(self) -> None:
        """A session of this installation, that proves nothing and can begin a campus sign-on."""
        given = {"schoolCode": self.wallet.school_code, "deviceLabel": self.wallet.device_label}
        payload = await self._endpoint.change(
            "InstallationCreate", "installationCreate", given, no_headers
        )
        self._keep_tokens(payload)

    async def campus_begin(self, provider: str, return_to: str) -> tuple[str, str]:
        """Begins a campus sign-on: the address for the browser, and the secret that stays here."""
        verifier = urlsafe_b64encode(self._entropy(48)).decode()
        digest = hashlib.sha256(verifier.encode()).digest()
        challenge = urlsafe_b64encode(digest).decode().rstrip("=")
        given = {"provider": provider, "challenge": challenge, "returnTo": return_to}
        payload = await self._change("CampusSignInBegin", "campusSignInBegin", given)
        return payload["startUrl"], verifier

    async def campus_complete(self, code: str, verifier: str) -> Json:
        """Hands in what the browser brought back; how far the link came."""
        given = {"code": code, "verifier": verifier}
        payload = await self._change("CampusSignInComplete", "campusSignInComplete", given)
        link: Json = payload["link"]
        self._keep_tokens(link)
        return link

    async def bind(self, name: str, number: str, pin: str | None = None) -> Json:
        """Proves by the school's form whose card this is; the cardholder."""
        given = {"name": name, "number": number, "pin": pin}
        payload = await self._change("BindingCreate", "bindingCreate", given)
        self._keep_tokens(payload)
        cardholder: Json = payload["cardholder"]
        return cardholder

    async def step_up_begin(self, address_kind: str = "EMAIL") -> None:
        """Has a code sent to the address in the school's register."""
        await self._change(
            "SessionStepUpBegin", "sessionStepUpBegin", {"addressKind": address_kind}
        )

    async def step_up(self, code: str) -> None:
        """Gives the second proof that sensitive acts ask for."""
        await self._change("SessionStepUp", "sessionStepUp", {"code": code})

    async def set_pin(self, pin: str) -> None:
        """Chooses the first PIN for payments, after a second proof."""
        await self._change("PinSet", "pinSet", {"pin": pin})

    async def open_virtual_card(self, pin: str | None = None) -> Json:
        """Opens the virtual card; the card."""
        card: Json = (await self._change("VirtualCardOpen", "virtualCardOpen", {"pin": pin}))[
            "card"
        ]
        return card

    async def enrol_device(self, pin: str | None = None) -> None:
        """Makes this phone's key and registers it, so that passes can be issued to it."""
        seed = self._entropy(SEED_BYTES)
        key, now = public_key(seed), int(self._clock() + self.wallet.clock_offset_seconds)
        given = {
            "devicePublicKey": b64encode(key).decode(),
            "createdAt": now,
            "proof": b64encode(signer(seed)(device_message(key, now))).decode(),
            "pin": pin,
        }
        payload = await self._change("CodeDeviceEnrol", "codeDeviceEnrol", given)
        self.wallet.seed, self.wallet.device_id = seed.hex(), payload["device"]["id"]

    async def fetch_passes(self) -> None:
        """Fetches the passes of today: with them codes are shown for hours without a network."""
        given = {"deviceId": self.wallet.device_id, "kinds": ["VIRTUAL_CARD"]}
        payload = await self._change("CodePassIssue", "codePassIssue", given)
        self.wallet.keep_issue(payload["issue"], self._clock())

    async def give_up_device(self) -> None:
        """Ends this phone's device: terminals that hear of it take its codes no more."""
        given = {"deviceId": self.wallet.device_id}
        await self._change("CodeDeviceRevoke", "codeDeviceRevoke", given)

    async def reserve_water(self, group_no: int, starts_at: str) -> str:
        """Reserves a slot of a bath house; the digits for the keypad of its meters."""
        given = {
            "idempotencyKey": self._entropy(PAYMENT_KEY_BYTES).hex(),
            "groupNo": group_no,
            "startsAt": starts_at,
        }
        payload = await self._change("WaterReserve", "waterReserve", given)
        digits: str = payload["reservation"]["code8"]
        return digits

    async def draw_token(self) -> str:
        """A T0 token: digits that are good for a minute, once."""
        given = {"deviceId": self.wallet.device_id}
        payload = await self._change("CodeTokenIssue", "codeTokenIssue", given)
        text: str = payload["token"]["text"]
        return text

    def show(self, challenge: str | None = None) -> str:
        """The code to show now.

        Raises: NothingToShow, ChallengeUnreadable.
        """
        return self.wallet.show(self._clock(), challenge=challenge)

    def digits(self) -> str:
        """The digits to show now.

        Raises: NothingToShow.
        """
        return self.wallet.digits(self._clock())

    async def read_code(self, text: str) -> Json:
        """What a scanned code of a merchant asks for: the merchant, the amount, until when.

        Raises: NoAnswer; QuestionRefused for a code that cannot be paid.
        """
        data = await self._refreshed(
            lambda: self._endpoint.ask("MerchantCode", {"text": text}, self._bearer)
        )
        reading = data["viewer"]["merchantCode"]
        if reading is None:
            raise NotAllowed("UNAUTHENTICATED", "NOT_BOUND", "")
        if reading["userErrors"]:
            raise QuestionRefused(reading["userErrors"])
        code: Json = reading["code"]
        return code

    async def pay_code(
        self, text: str, minor_amount: int | None = None, pin: str | None = None
    ) -> Json:
        """Pays a scanned code of a merchant; `minor_amount` (fen) where the code has none.

        Raises: NoAnswer, then the same scanned again is asked under the same key; QuestionRefused.
        """
        asked = {"text": text, "minorAmount": minor_amount}
        if {**self.wallet.unanswered, **asked} != self.wallet.unanswered:
            key = self._entropy(PAYMENT_KEY_BYTES).hex()
            self.wallet.unanswered = {**asked, "idempotencyKey": key}
            self._keep()
        given = {**self.wallet.unanswered, "pin": pin}
        try:
            payload = await self._change("MerchantCodePay", "merchantCodePay", given)
        except QuestionRefused as refused:
            if refused.code == "IDEMPOTENCY_CONFLICT":
                self.wallet.unanswered = {}
            raise
        self.wallet.unanswered = {}
        payment: Json = payload["payment"]
        return payment

    async def home(self) -> Json:
        """The home screen, in one question."""
        return await self._cardholder("Home", {})

    async def statement(self, month: str | None = None, after: str | None = None) -> Json:
        """A page of a month's statement (`YYYY-MM`, default this one) and the month's totals."""
        month = month or month_of(self._clock() + self.wallet.clock_offset_seconds)
        return await self._cardholder("Statement", {"month": month, "first": PAGE, "after": after})

    async def last_payment(self) -> Json:
        """What came of the last payment."""
        return await self._cardholder("LastPayment", {})

    async def set_limits(self, single_minor: int, daily_minor: int, pin: str) -> None:
        """Sets the amounts above which a PIN is asked, in fen."""
        given = {"singleMinor": single_minor, "dailyMinor": daily_minor, "pin": pin}
        await self._change("LimitsSet", "limitsSet", given)

    async def report_lost(self, card_id: str, pin: str | None = None) -> Json:
        """Reports the physical card lost; the card."""
        given = {"cardId": card_id, "pin": pin}
        card: Json = (await self._change("CardReportLost", "cardReportLost", given))["card"]
        return card

    async def sign_out(self) -> None:
        """Ends this session."""
        await self._change("SessionRevoke", "sessionRevoke", {})
        self.wallet.access_token = self.wallet.refresh_token = ""

    async def _cardholder(self, name: str, variables: Json) -> Json:
        data = await self._refreshed(lambda: self._endpoint.ask(name, variables, self._bearer))
        cardholder = data["viewer"]["cardholder"]
        if cardholder is None:
            raise NotAllowed("UNAUTHENTICATED", "NOT_BOUND", "")
        return dict(cardholder)

    async def _change(self, name: str, field: str, given: Json) -> Json:
        return await self._refreshed(
            lambda: self._endpoint.change(name, field, given, self._bearer)
        )

    async def _refreshed(self, ask: Callable[[], Awaitable[Json]]) -> Json:
        """The answer, asked again once with fresh tokens when the old ones are over."""
        try:
            return await ask()
        except NotAllowed as refusal:
            if refusal.code != "UNAUTHENTICATED" or not self.wallet.refresh_token:
                raise
        given = {
            "refreshToken": self.wallet.refresh_token,
            "deviceLabel": self.wallet.device_label,
        }
        payload = await self._endpoint.change("SessionRefresh", "sessionRefresh", given, no_headers)
        self._keep_tokens(payload)
        return await ask()

    def _keep_tokens(self, payload: Json) -> None:
        tokens = payload.get("tokens")
        if tokens:
            self.wallet.access_token = tokens["accessToken"]
            self.wallet.refresh_token = tokens["refreshToken"] or ""

    def _address(self) -> Json:
        kind = "EMAIL" if "@" in self.wallet.address else "PHONE"
        return {
            "schoolCode": self.wallet.school_code,
            "addressKind": kind,
            "address": self.wallet.address,
        }

    def _bearer(self, _body: bytes) -> Mapping[str, str]:
        return {"authorization": f"Bearer {self.wallet.access_token}"}
