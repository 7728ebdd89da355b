"""The shared stage: one mint, one foreign mint, one app, two gates and every proxy, started once for the whole run.

A counterpart that is missing fails the run; nothing is skipped.
"""

import contextlib
import dataclasses
import pathlib
import signal
import sys
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from counterparts.chain import Chain, Facilitator  # noqa: E402
from counterparts.echo import Echo  # noqa: E402
from counterparts.grpc_caller import GRPCCaller, outcome  # noqa: E402
from counterparts.mint import Mint, Wallet  # noqa: E402
from counterparts.payer import Payer, Signers  # noqa: E402
from counterparts.processes import free_port  # noqa: E402
from counterparts.proxies import Caddy, Envoy, IngressNginx, IstioGateway, Nginx, Traefik  # noqa: E402
from counterparts.proxies import SECRET  # noqa: E402
from counterparts.scripted_mint import ScriptedMint  # noqa: E402
from counterparts.scripted_facilitator import ScriptedFacilitator  # noqa: E402
from counterparts.seller import Seller  # noqa: E402
from counterparts.ssh import open_folder  # noqa: E402
from counterparts.turnpike import DOLLAR_ROUTES, Turnpike, x402  # noqa: E402

DOORS = ("envoy", "istio", "nginx", "nginx-auth-request", "ingress-nginx", "traefik", "caddy")


def pytest_configure():
    """Told to stop, we stop what we have started, as at Ctrl-C."""

    def interrupt(*_):
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)


class Purse:
    """Tokens bought ahead, so that a test pays without waiting for the mint."""

    def __init__(self, wallet: Wallet, batch: int = 50):
        self.wallet = wallet
        self.batch = batch
        self.pools: dict[int, list[str]] = {}

    def token(self, amount: int) -> str:
        pool = self.pools.setdefault(amount, [])
        if not pool:
            pool += self.wallet.tokens(amount, self.batch)
        return pool.pop()


class Bank:
    """The chain, the stock facilitator on it, and payers who have money."""

    def __init__(self, folder: pathlib.Path):
        self.rich: list[Payer] = []
        with contextlib.ExitStack() as stop:
            self.chain = Chain(folder / "chain").begin()
            stop.callback(self.chain.stop)
            self.signers = Signers(folder / "payers")
            stop.callback(self.signers.stop)
            self.chain.await_ready()
            self.facilitator = Facilitator(folder / "facilitator", self.chain).start()
            stop.callback(self.facilitator.stop)
            self.stop = stop.pop_all().close

    def payer(self) -> Payer:
        """A new account with a thousand dollars."""
        if not self.rich:
            self.rich = self.signers.accounts(40)
            self.chain.mint([payer.address for payer in self.rich])
        return self.rich.pop()

    def settled(self, payer: Payer) -> int:
        """How often this account has paid."""
        return len(self.chain.transfers(payer.address))


@dataclasses.dataclass
class Stage:
    """What every test may use."""

    folder: pathlib.Path
    mint: Mint
    foreign_mint: Mint
    wallet: Wallet
    foreign_wallet: Wallet
    purse: Purse
    app: Echo
    gate: Turnpike
    gate_by_address: Turnpike
    doors: dict


@pytest.fixture(scope="session")
def stage(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stage")
    stop = []
    try:
        mint = Mint(folder / "mint", fee_ppk=100).begin()
        stop.append(mint.stop)
        foreign = Mint(folder / "foreign-mint").begin()
        stop.append(foreign.stop)
        app = Echo(free_port()).start()
        stop.append(app.stop)
        wallet = Wallet(mint.url, folder / "wallet")
        stop.append(wallet.stop)
        foreign_wallet = Wallet(foreign.url, folder / "foreign-wallet")
        stop.append(foreign_wallet.stop)
        mint.await_ready()
        gate = Turnpike(folder / "gate", [mint.url]).start()
        stop.append(gate.stop)
        by_address = Turnpike(
            folder / "gate-by-address", [mint.url], proxies=[{"cidr": "127.0.0.0/8"}]
        ).start()
        stop.append(by_address.stop)

        def behind(kind, asked: Turnpike, **how):
            proxy = kind(
                folder / kind.name, app.port, asked.ports["proxy"], asked.ports["grpc"], **how
            ).begin()
            stop.append(proxy.stop)
            return proxy

        doors = {
            "envoy": behind(Envoy, gate),
            "istio": behind(IstioGateway, by_address),
            "nginx": behind(Nginx, gate),
            "ingress-nginx": behind(IngressNginx, by_address),
            "traefik": behind(Traefik, gate),
            "caddy": behind(Caddy, gate),
        }
        for proxy in doors.values():
            proxy.await_ready()
        doors["nginx-auth-request"] = doors["nginx"].by_auth_request
        foreign.await_ready()
        yield Stage(
            folder, mint, foreign, wallet, foreign_wallet, Purse(wallet), app, gate, by_address, doors
        )
    finally:
        for end in reversed(stop):
            end()


@pytest.fixture(scope="session")
def bank(tmp_path_factory):
    made = Bank(tmp_path_factory.mktemp("bank"))
    yield made
    made.stop()


@pytest.fixture(scope="session")
def dollar_gate(bank, stage, tmp_path_factory):
    """A gate that takes dollars and ecash."""
    payments = {"x402": x402(bank.facilitator.url, bank.chain.url)}
    gate = Turnpike(
        tmp_path_factory.mktemp("dollars") / "gate", [stage.mint.url], payments=payments, routes=DOLLAR_ROUTES
    ).start()
    yield gate
    gate.stop()


@pytest.fixture(scope="session")
def dollar_doors(dollar_gate, stage, tmp_path_factory):
    folder = tmp_path_factory.mktemp("dollar-doors")
    asked = (stage.app.port, dollar_gate.ports["proxy"], dollar_gate.ports["grpc"])
    made = {}
    with contextlib.ExitStack() as stop:
        for kind in (Envoy, Nginx):
            made[kind.name] = kind(folder / kind.name, *asked).begin()
            stop.callback(made[kind.name].stop)
        for proxy in made.values():
            proxy.await_ready()
        yield made | {"nginx-auth-request": made["nginx"].by_auth_request}


@pytest.fixture(params=["envoy", "nginx", "nginx-auth-request"])
def dollar_door(request, dollar_doors, stage):
    """The proxies through which x402 must work; the app has forgotten what came before."""
    stage.app.forget()
    return dollar_doors[request.param]


@pytest.fixture
def moody(bank):
    """The stock facilitator behind one that does as it is told."""
    made = ScriptedFacilitator(bank.facilitator.port).start()
    yield made
    made.stop()


@pytest.fixture(params=DOORS)
def door(request, stage):
    """Each proxy in turn; the app has forgotten what came before."""
    stage.app.forget()
    return stage.doors[request.param]


@pytest.fixture
def app(stage):
    stage.app.forget()
    return stage.app


@pytest.fixture
def purse(stage):
    return stage.purse


@pytest.fixture
def scripted(stage):
    """A mint of its own name that does as it is told, and a wallet that buys from it while it is honest."""
    mint = ScriptedMint(stage.mint.port).start()
    yield mint
    mint.stop()


@pytest.fixture
def scripted_purse(scripted, tmp_path):
    wallet = Wallet(scripted.url, tmp_path / "scripted-wallet")
    yield Purse(wallet, batch=10)
    wallet.stop()


@pytest.fixture
def lone(tmp_path):
    """Makes gates that belong to one test: `lone(mints, key=value…)`. They are stopped, or killed, at its end."""
    made: list[Turnpike] = []

    def make(mints=(), name: str | None = None, **changes) -> Turnpike:
        gate = Turnpike(tmp_path / (name or f"gate-{len(made)}"), list(mints), **changes)
        made.append(gate)
        return gate

    yield make
    for gate in made:
        if gate.running:
            gate.kill()


@pytest.fixture(scope="session")
def ground():
    with open_folder() as folder:
        yield folder


@pytest.fixture(scope="session")
def seller(stage, bank, ground):
    payments = {"x402": x402(bank.facilitator.url, bank.chain.url)}
    gate = Seller(ground / "seller", [stage.mint.url], payments=payments)
    try:
        yield gate.start()
    finally:
        gate.clear()


@pytest.fixture
def lone_seller(stage, ground):
    """Makes sellers of one test; at its end they are stopped and their machines ended."""
    with contextlib.ExitStack() as stop:

        def make(workloads: dict | None = None, mint=None, **changes) -> Seller:
            folder = ground / f"lone-{time.monotonic_ns()}"
            gate = Seller(folder, [(mint or stage.mint).url], workloads, **changes)
            stop.callback(gate.clear)
            return gate

        yield make


MAX_RESIDENT_MIB = 400


def resident_mib(pid: int) -> float:
    for line in open(f"/proc/{pid}/status"):
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0


@pytest.fixture
def sturdy(stage):
    """The shared gate: alive before, alive after, and not swollen."""
    yield stage.gate
    assert stage.gate.running, stage.gate.log[-3000:]
    assert stage.gate.ask("/free/x").status == 200
    with GRPCCaller(stage.gate.ports["grpc"], SECRET) as caller:
        assert outcome(caller.check("/free/x")) == 200
    assert resident_mib(stage.gate.pid) < MAX_RESIDENT_MIB
