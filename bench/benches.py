"""The benchmarks of performance.md that exist so far: who stands beside whom, and the goals."""

from argparse import Namespace
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

from bench.contenders import DRIVERS, Driven, Pgbench
from bench.latencies import print_latencies, report_latency
from bench.rounds import WARM_UP_SECONDS, Contender, interleave, report
from bench.serving import Served, bare, mercurius, ours, rest
from bench.stand import CAMPUS, TPC_B, Stand
from bench.world import TILLS
from bff.documents import document_id
from core.db.provision import APP_ROLE

NATURAL = Path(__file__).parent / "natural_payment.pgbench"
_DOCUMENTS = Path(__file__).parent.parent / "clients/documents"
PURCHASE = _DOCUMENTS / "PurchaseAuthorise.graphql"
UPLOAD = _DOCUMENTS / "OfflineBatchUpload.graphql"
ENTRY = _DOCUMENTS / "EntryAuthorise.graphql"
_PURCHASE = {"asks": "purchase", "hot": False}
_ENTRY = {"asks": "entry", "hot": False}


def authorise(on: Stand, arguments: Namespace) -> None:
    """P1: a purchase over HTTP, from request signature to signed answer, beside TPC-B."""
    with ours(on) as server:
        contenders: list[Contender] = [_purchases(on, server), _tpc_b(on)]
        rounds = interleave(contenders, arguments.rounds, arguments.seconds)
    report("authorise", rounds, "ours", {"pgbench TPC-B": 1.2})


def hot_merchant(on: Stand, arguments: Namespace) -> None:
    """P2: every purchase goes to one merchant, beside one payment at a time on its row."""
    with ours(on) as server:
        contenders: list[Contender] = [_purchases(on, server, hot=True), _natural(on)]
        rounds = interleave(contenders, arguments.rounds, arguments.seconds)
    report("hot-merchant", rounds, "ours", {"pgbench, one payment": 2.5})


def versus_rest(on: Stand, arguments: Namespace) -> None:
    """P3: the same purchase through GraphQL and through a hand-written route."""
    with ours(on) as server, rest(on) as peer:
        order = {**_PURCHASE, "path": "/purchases", "document_id": None, "port": peer.port}
        by_hand = Driven("REST", on, "bench.terminal_driver", order, server=peer.pid, runs=50_000)
        contenders: list[Contender] = [_purchases(on, server), by_hand]
        rounds = interleave(contenders, arguments.rounds, arguments.seconds)
    report("versus-rest", rounds, "ours", {"REST": 0.9})


def home(on: Stand, arguments: Namespace) -> None:
    """P5: name, card and 20 lines with their merchants, beside Node and a hand-written route."""
    with ExitStack() as stack:
        servers = {
            "ours": ("/graphql", "trusted", stack.enter_context(ours(on))),
            "mercurius, JOIN": ("/graphql", "text", stack.enter_context(mercurius(on, "join"))),
            "mercurius, loaders": (
                "/graphql",
                "text",
                stack.enter_context(mercurius(on, "loaders")),
            ),
            "REST": ("/home", "none", stack.enter_context(rest(on))),
        }
        contenders = [
            Driven(name, on, "bench.home_driver",
                   {"path": path, "form": form, "port": server.port}, server=server.pid)
            for name, (path, form, server) in servers.items()
        ]  # fmt: skip
        rounds = interleave(contenders, arguments.rounds, arguments.seconds)
    goals = {"mercurius, JOIN": 1.0, "mercurius, loaders": 1.3, "REST": 0.9}
    report("home", rounds, "ours", goals)


def gate(on: Stand, arguments: Namespace) -> None:
    """P6: an entry over HTTP, from request signature to signed answer, beside a bare route."""
    with ours(on) as server, bare(on) as peer:
        named = document_id(ENTRY.read_bytes().decode())
        asked = {**_ENTRY, "path": "/graphql", "document_id": named, "port": server.port}
        plain = {**_ENTRY, "path": "/bare", "document_id": None, "port": peer.port}
        contenders = [
            Driven("ours", on, "bench.terminal_driver", asked, server=server.pid),
            Driven("bare Starlette", on, "bench.terminal_driver", plain, server=peer.pid),
        ]
        rounds = interleave(contenders, arguments.rounds, arguments.seconds)
    report("gate", rounds, "ours", {"bare Starlette": 0.4})


def latency(on: Stand, arguments: Namespace) -> None:
    """P8: how long the slowest hundredth of purchases take at half of what we can, beside TPC-B."""
    with ours(on) as server:
        flat_out, paced = _purchases(on, server), _purchases(on, server)
        for _ in range(2):
            flat_out.run(WARM_UP_SECONDS)
        rounds = []
        for number in range(1, arguments.rounds + 1):
            half = flat_out.run(arguments.seconds).rate / 2
            paced.order = {**paced.order, "pace": half / DRIVERS}
            paced.runs = flat_out.runs  # the number of a run names its batches
            tpc_b = _tpc_b(on)
            tpc_b.pace = half
            rounds.append((paced.run(arguments.seconds), tpc_b.run(arguments.seconds)))
            print_latencies(number, half, *rounds[-1])
            flat_out.runs = paced.runs
    report_latency("latency", rounds, 4.0)


def upload(on: Stand, arguments: Namespace) -> None:
    """P9: records of tills that had no network, judged and paid each second, beside TPC-B."""
    with ours(on) as server:
        named = document_id(UPLOAD.read_bytes().decode())
        order = {"path": "/graphql", "document_id": named, "port": server.port}
        records = Driven("ours", on, "bench.upload_driver", order, server=server.pid, rate=2_000)
        contenders: list[Contender] = [records, _tpc_b(on)]
        rounds = interleave(contenders, arguments.rounds, arguments.seconds)
    report("upload", rounds, "ours", {"pgbench TPC-B": 2.0})


def queue(on: Stand, arguments: Namespace) -> None:
    """The database's part of P1 and P2: the payment queue alone, without HTTP and codes."""
    many = Driven("queue", on, "bench.queue_driver", {"hot": False}, group="server")
    hot = Driven("queue, one merchant", on, "bench.queue_driver", {"hot": True}, group="server",
                 runs=50_000)  # fmt: skip
    contenders: list[Contender] = [many, _tpc_b(on), hot, _natural(on)]
    rounds = interleave(contenders, arguments.rounds, arguments.seconds)
    report("queue", rounds, many.name, {"pgbench TPC-B": 1.2})
    report("queue, one merchant", rounds, hot.name, {"pgbench, one payment": 2.5})


BENCHES: Mapping[str, Callable[[Stand, Namespace], None]] = {
    "authorise": authorise,
    "hot-merchant": hot_merchant,
    "versus-rest": versus_rest,
    "home": home,
    "gate": gate,
    "latency": latency,
    "upload": upload,
    "queue": queue,
}


def _purchases(on: Stand, server: Served, *, hot: bool = False) -> Driven:
    named = document_id(PURCHASE.read_bytes().decode())
    order = {**_PURCHASE, "hot": hot, "path": "/graphql", "document_id": named, "port": server.port}
    return Driven("ours", on, "bench.terminal_driver", order, server=server.pid)


def _tpc_b(on: Stand) -> Pgbench:
    return Pgbench("pgbench TPC-B", on, "postgres", TPC_B)


def _natural(on: Stand) -> Pgbench:
    first = {"first_till": TILLS + 1}
    return Pgbench("pgbench, one payment", on, APP_ROLE, CAMPUS, NATURAL, first)
