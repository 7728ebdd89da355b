"""usage: demo.py run|up|down

run   starts everything, tries every proxy, prints one line each, stops everything; exit 0 when all is as it should be
up    starts a mint, a chain with its x402 facilitator, an app, Turnpike, Envoy, NGINX, Traefik and Caddy, and writes
      their addresses to .demo/env
down  stops what `up` started, by the process ids in .demo/pids
"""

import contextlib
import os
import pathlib
import shutil
import signal
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
HOME = ROOT / ".demo"
sys.path.insert(0, str(ROOT / "Tests" / "Integration"))
os.environ.setdefault("TURNPIKE_BINARY", str(ROOT / ".build" / "release" / "turnpike"))

from counterparts import tokens, web  # noqa: E402
from counterparts.chain import Chain, Facilitator  # noqa: E402
from counterparts.mint import Mint, Wallet  # noqa: E402
from counterparts.payer import Payer, Signers, receipt, required  # noqa: E402
from counterparts.processes import Process, free_port, listening  # noqa: E402
from counterparts.proxies import Caddy, Envoy, Nginx, Traefik  # noqa: E402
from counterparts.turnpike import ROUTES, Turnpike, x402  # noqa: E402

NO_RECEIPT = {"traefik"}  # of an allow it hands on to the client nothing but cookies
DOLLARS = {"path": "/usd/**", "price": {"usd": "0.01"}, "pass": {"uses": 1}}


class Demo:
    """Everything the demo runs, each with its files below .demo/."""

    def __init__(self):
        self.mint = Mint(HOME / "mint", fee_ppk=100)
        self.chain = Chain(HOME / "chain")
        self.facilitator = Facilitator(HOME / "facilitator", self.chain)
        self.app = Process(
            "app",
            [sys.executable, ROOT / "Tests/Integration/counterparts/echo.py", port := free_port()],
            HOME / "app",
        )
        self.app_port = port
        # No `proxies:`, as it listens on loopback only; so you can also ask it by hand.
        self.turnpike = Turnpike(
            HOME / "turnpike",
            [self.mint.url],
            proxies=None,
            payments={"x402": x402(self.facilitator.url, self.chain.url)},
            routes=[*ROUTES, DOLLARS],
        )
        asked = (port, self.turnpike.ports["proxy"], self.turnpike.ports["grpc"])
        self.proxies = [kind(HOME / kind.name, *asked) for kind in (Envoy, Nginx, Traefik, Caddy)]

    @property
    def processes(self) -> list[Process]:
        return [
            self.mint.process,
            self.chain.process,
            self.facilitator.process,
            self.app,
            self.turnpike.process,
            *(proxy.process for proxy in self.proxies),
        ]

    def start(self) -> None:
        begun = time.monotonic()
        self.mint.begin()
        self.chain.begin()
        self.app.start()
        try:
            self.chain.await_ready()
            self.facilitator.begin()
            self.turnpike.begin()
            for proxy in self.proxies:
                proxy.begin()
            self.mint.await_ready()
            self.facilitator.await_ready()
            self.app.await_ready(lambda: listening(self.app_port))
            self.turnpike.await_ready()
            for proxy in self.proxies:
                proxy.await_ready()
        finally:
            self.write_pids()
        self.write_env()
        print(f"demo: up in {time.monotonic() - begun:.0f} s; addresses in .demo/env, logs in .demo/*/")

    def write_pids(self) -> None:
        lines = [
            f"{p.pid} {started_at(p.pid)} {p.name}\n"
            for p in self.processes
            if p is not None and p.child and p.running
        ]
        (HOME / "pids").write_text("".join(lines))

    def write_env(self) -> None:
        ports = self.turnpike.ports
        env = {
            f"TURNPIKE_{name.upper()}": f"http://127.0.0.1:{ports[name]}"
            for name in ("proxy", "public", "grpc", "admin")
        }
        env |= {f"{proxy.name.upper()}_URL": proxy.url for proxy in self.proxies}
        env |= {
            "MINT_URL": self.mint.url,
            "FACILITATOR_URL": self.facilitator.url,
            "CHAIN_URL": self.chain.url,
            "TURNPIKE_CONFIG": str(self.turnpike.config_file),
            "TURNPIKE_PID": str(self.turnpike.pid),
        }
        (HOME / "env").write_text("".join(f"{name}={value}\n" for name, value in env.items()))


def started_at(pid: int) -> str | None:
    """The kernel's start time of a process; with it a process id is never mistaken for a later one."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19]
    except OSError:
        return None


def down() -> None:
    pids = HOME / "pids"
    if not pids.exists():
        return
    ours = [
        (int(pid), since) for pid, since, _ in (line.split(" ", 2) for line in pids.read_text().splitlines())
    ]
    # The last started goes first, so that proxies end before what they ask.
    for pid, since in reversed(ours):
        if started_at(pid) == since:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + 10
    for pid, since in ours:
        while started_at(pid) == since and not ended(pid):
            if time.monotonic() > deadline:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGKILL)
                break
            time.sleep(0.05)
    pids.unlink()
    with contextlib.suppress(FileNotFoundError):
        (HOME / "env").unlink()


def ended(pid: int) -> bool:
    """Gone, or a zombie that only waits for its parent."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def up() -> Demo:
    down()
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir()
    demo = Demo()
    try:
        demo.start()
    except BaseException:
        down()
        raise
    return demo


def try_proxy(proxy, mint: Mint, wallet: Wallet, foreign: Wallet, payer: Payer) -> list[str]:
    """What is not as it should be; empty when all is."""
    wrong = []

    def want(what: str, status: int | tuple, answer: web.Answer) -> web.Answer:
        wanted = status if isinstance(status, tuple) else (status,)
        if answer.status not in wanted:
            wrong.append(f"{what}: {answer.status} instead of {' or '.join(map(str, wanted))}")
        return answer

    def pay(token: str, path: str = "/paid/report") -> web.Answer:
        return proxy.fetch(path, headers={"X-Cashu": token})

    want("free page", 200, proxy.fetch("/free/hello"))
    unpaid = want("unpaid page", 402, proxy.fetch("/paid/report"))
    try:
        wanted = tokens.request(unpaid.header("x-cashu") or "")
        if (wanted["a"], wanted["u"], wanted["m"]) != (10, "sat", [mint.url]):
            wrong.append(f"the payment request asks for {wanted}")
    except (AssertionError, KeyError, ValueError) as error:
        wrong.append(f"the payment request cannot be read: {error}")
    token, hour = wallet.token(10), wallet.token(100)
    paid = want("paid page", 200, pay(token))
    if paid.status == 200 and "x-cashu" in paid.json["headers"]:
        wrong.append("the app saw the token")
    want("the same token again", 402, pay(token))
    want("a forged token", 402, pay(tokens.forged(wallet.token(10))))
    want("a foreign mint's token", 400, pay(foreign.token(10)))
    want("an hour", 200, pay(hour, "/hour/one"))
    want("the hour goes on", 200, pay(hour, "/hour/two"))
    want("no route", 403, proxy.fetch("/elsewhere"))
    asked = want("unpaid page in dollars", 402, proxy.fetch("/usd/report"))
    if asked.status == 402 and required(asked)["accepts"][0]["amount"] != "10000":
        wrong.append("the page in dollars does not cost a cent")
    bought = payer.buy(proxy.url + "/usd/report").last
    want("page paid by the stock x402 client", 200, bought)
    if bought.status == 200 and not ((receipt(bought) or {}).get("success") or proxy.name in NO_RECEIPT):
        wrong.append("the x402 client got no receipt")
    return wrong


def run() -> int:
    demo = up()
    foreign_mint = Mint(HOME / "foreign-mint").begin()
    bad = 0
    with contextlib.ExitStack() as stack:
        stack.callback(down)
        stack.callback(foreign_mint.stop)
        wallet = Wallet(demo.mint.url, HOME / "wallet")
        stack.callback(wallet.stop)
        foreign_mint.await_ready()
        foreign = Wallet(foreign_mint.url, HOME / "foreign-wallet")
        stack.callback(foreign.stop)
        signers = Signers(HOME / "payer")
        stack.callback(signers.stop)
        payer = signers.account()
        demo.chain.mint(payer.address)
        for proxy in demo.proxies:
            wrong = try_proxy(proxy, demo.mint, wallet, foreign, payer)
            bad += bool(wrong)
            good = "free 200 · unpaid 402 · paid 200 · again 402 · forged 402 · foreign mint 400 · hour 200 200 · elsewhere 403 · dollars 402 200"
            print(
                f"{'FAIL' if wrong else 'ok  '} {proxy.name:8} {proxy.url:24} {'; '.join(wrong) or good}",
                flush=True,
            )
    return 1 if bad else 0


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["run"]:
            sys.exit(run())
        case ["up"]:
            up()
        case ["down"]:
            down()
        case _:
            sys.exit(__doc__)
