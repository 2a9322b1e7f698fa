"""Insists on intents: journal first, then any app process, again and again with the same key."""

import asyncio
from collections.abc import Sequence
from itertools import count
from time import monotonic

from bff.fleet.dice import Dice
from clients.endpoint import Json, NoAnswer
from tests.faults.bank.doors import DOOR_SECONDS, OPERATIONS, Doors
from tests.faults.bank.journal import Journal, Line
from tests.faults.bank.wire import BATCH, Intent, ServerFault, Wire

ATTEMPT_SECONDS = 2.5
PAUSE_MAXIMUM_SECONDS = 0.6


class Teller:
    """One client process's intents. Never makes a second key for one intent."""

    def __init__(self, journal: Journal, apps: Sequence[Wire], dice: Dice) -> None:
        self._journal = journal
        self._apps = apps
        self._dice = dice
        self._seqs: dict[int, count[int]] = {}
        self._batches: dict[int, count[int]] = {}
        self.gives_up = asyncio.Event()

    def go_on(self, lines: Sequence[Line]) -> list[Intent]:
        """Takes up the journal of the incarnation before; its intents without an answer."""
        open_: dict[str, Intent] = {}
        last: dict[int, int] = {}
        batches: dict[int, int] = {}
        for line in lines:
            if line["t"] == "intent":
                intent = Intent.of(line)
                open_[intent.id] = intent
                for till, batch_no, seq_no in intent.numbers():
                    if batch_no == BATCH:
                        last[till] = max(last.get(till, 0), seq_no)
                    batches[till] = max(batches.get(till, BATCH), batch_no)
            elif line["t"] == "answer":
                open_.pop(line["id"], None)
        self._seqs = {till: count(seq + 1) for till, seq in last.items()}
        self._batches = {till: count(batch_no + 1) for till, batch_no in batches.items()}
        return list(open_.values())

    def next_seq(self, till: int) -> int:
        """The till's next number, rising over all incarnations."""
        return next(self._seqs.setdefault(till, count(1)))

    def next_batch(self, till: int) -> int:
        """A batch that the till never used, rising over all incarnations."""
        return next(self._batches.setdefault(till, count(BATCH + 1)))

    def note(self, kind: str, **facts: object) -> None:
        """Journals what was seen."""
        self._journal.write({"t": kind, "at": monotonic(), **facts})

    def begin(self, intent: Intent) -> None:
        """Journals an intent; only then may it be sent."""
        self._journal.write(intent.line(monotonic()))

    async def ask(self, intent: Intent, *, at_once: int = 1) -> Json | None:
        """The answer, None if the run ended before it came; `at_once` equal ones in parallel."""
        self.begin(intent)
        if at_once == 1:
            return await self.insist(intent)
        answers = await asyncio.gather(*(self.insist(intent, n) for n in range(at_once)))
        return answers[0]

    async def insist(self, intent: Intent, place: int | None = None) -> Json | None:
        """Sends an intent that is in the journal until it is answered."""
        app = self._dice.below(len(self._apps)) if place is None else place % len(self._apps)
        patience = DOOR_SECONDS if intent.operation in OPERATIONS else ATTEMPT_SECONDS
        pause = 0.05
        tries = 0
        while not self.gives_up.is_set():
            sent_at = monotonic()
            try:
                async with asyncio.timeout(patience):
                    facts = await self._apps[app].send(intent)
            except ServerFault as fault:
                self.note("fault", id=intent.id, reason=fault.reason)
            except (NoAnswer, TimeoutError):
                pass
            else:
                self.note("answer", id=intent.id, sent=sent_at, tries=tries, facts=facts)
                return facts
            tries += 1
            app = (app + 1) % len(self._apps)
            await asyncio.sleep(self._dice.between(0, pause))
            pause = min(pause * 2, PAUSE_MAXIMUM_SECONDS)
        return None

    async def probe(self, intent: Intent) -> Json | None:
        """Sends once what is in no journal: nothing may come of it."""
        try:
            async with asyncio.timeout(ATTEMPT_SECONDS):
                return await self._dice.pick(self._apps).send(intent)
        except ServerFault as fault:
            self.note("fault", id=intent.id, reason=fault.reason)
        except (NoAnswer, TimeoutError):
            pass
        return None

    def door(self, place: int) -> Doors:
        """One app process as a phone reaches it."""
        return self._apps[place % len(self._apps)].doors

    async def look(self, name: str, variables: Json, token: str) -> Json | None:
        """One read from any app process, None if it did not come."""
        try:
            async with asyncio.timeout(ATTEMPT_SECONDS):
                return await self._dice.pick(self._apps).read(name, variables, token)
        except ServerFault as fault:
            self.note("fault", id=name, reason=fault.reason)
        except (NoAnswer, TimeoutError):
            pass
        return None
