"""usage: demo.py run|up|down

run   starts everything, tries every proxy, buys machines, prints one line each, stops everything; exit 0 when all is as
      it should be
up    starts a mint, a chain with its x402 facilitator, an app, Turnpike, Envoy, NGINX, Traefik and Caddy, and writes
      their addresses to .demo/env
down  ends the demo's machines and stops what `up` started, by the process ids in .demo/pids
"""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
HOME = ROOT / ".demo"
sys.path.insert(0, str(ROOT / "Tests" / "Integration"))
BINARY = pathlib.Path(os.environ.setdefault("TURNPIKE_BINARY", str(ROOT / ".build" / "release" / "turnpike")))

from counterparts import tokens, web  # noqa: E402
from counterparts.chain import Chain, Facilitator  # noqa: E402
from counterparts.mint import Mint, Wallet  # noqa: E402
from counterparts.payer import Payer, Signers, receipt, required  # noqa: E402
from counterparts.processes import Process, free_port, listening  # noqa: E402
from counterparts.proxies import Caddy, Envoy, Nginx, Traefik  # noqa: E402
from counterparts.seller import MACHINES, Seller, login  # noqa: E402
from counterparts.ssh import key_pair, processes_of  # noqa: E402
from counterparts.turnpike import ROUTES, x402  # noqa: E402

NO_RECEIPT = {"traefik"}  # of an allow it hands on to the client nothing but cookies
DOLLARS = {"path": "/usd/**", "price": {"usd": "0.01"}, "pass": {"uses": 1}}


def machines_ground() -> pathlib.Path:
    """A folder for machines. As root each has a user of its own, who must be able to pass every folder above."""
    ground = HOME / "machines"
    if os.geteuid() != 0 or all(
        folder.stat().st_mode & 0o001 for folder in (BINARY.resolve(), *HOME.parents)
    ):
        ground.mkdir(mode=0o711)
        return ground
    # This checkout is private: machines and their program live elsewhere.
    ground = pathlib.Path(tempfile.mkdtemp(prefix="turnpike-demo-"))
    ground.chmod(0o711)
    for program in (BINARY, BINARY.with_name("workload-init")):
        shutil.copy(program, ground)
    os.environ["TURNPIKE_BINARY"] = str(ground / BINARY.name)
    (HOME / "ground").write_text(str(ground))
    return ground


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
        self.ground = machines_ground()
        self.turnpike = Seller(
            HOME / "turnpike",
            [self.mint.url],
            {"directory": str(self.ground / "workloads")},
            proxies=None,
            payments={"x402": x402(self.facilitator.url, self.chain.url)},
            routes=[*ROUTES, DOLLARS, *MACHINES],
        )
        asked = (port, self.turnpike.ports["proxy"], self.turnpike.ports["grpc"])
        self.proxies = [
            kind(HOME / kind.name, *asked, machines=self.turnpike.ports["public"])
            for kind in (Envoy, Nginx, Traefik, Caddy)
        ]

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
            "SSH_URL": next(proxy.url for proxy in self.proxies if proxy.name == "nginx") + "/ssh",
            "SSH_SAT_PER_HOUR": "100",
            "MACHINE_HOST": "127.0.0.1",
            "SSH_PORTS": "22000-22999",
            "SSH_API": f"http://127.0.0.1:{ports['public']}/v1/workloads",
            "SSH_ADMIN": self.turnpike.config["workloads"]["admin"],
            "SSH_FOLDER": str(self.ground / "workloads"),
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
    end_machines()
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
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree((HOME / "ground").read_text(), ignore_errors=True)


def end_machines() -> None:
    """Machines outlive Turnpike, so they are ended while it runs."""
    try:
        env = dict(line.split("=", 1) for line in (HOME / "env").read_text().splitlines())
        binary = (
            pathlib.Path((HOME / "ground").read_text()) / BINARY.name
            if (HOME / "ground").exists()
            else BINARY
        )
    except OSError:
        return
    words = ["--config", env["TURNPIKE_CONFIG"]]

    def workload(*what: str) -> str:
        command = [binary, "workload", *what, *words]
        return subprocess.run(
            command, cwd=HOME / "turnpike", capture_output=True, text=True, timeout=30
        ).stdout

    def live() -> list[str]:
        rows = json.loads(workload("list", "--json") or "[]")
        return [row["id"] for row in rows if row["state"] not in ("gone", "failed")]

    with contextlib.suppress(OSError, ValueError, subprocess.TimeoutExpired):
        for machine in live():
            workload("delete", machine)
        deadline = time.monotonic() + 15
        while live() and time.monotonic() < deadline:
            time.sleep(0.2)


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


def try_machines(demo: Demo, wallet: Wallet) -> list[str]:
    """The whole life of two machines: one bought through NGINX, one so short that its end is seen."""
    wrong = []
    front = next(proxy for proxy in demo.proxies if proxy.name == "nginx")

    def want(what: str, is_so: bool) -> None:
        if not is_so:
            wrong.append(what)

    want("/ssh unpaid is not 402", front.fetch("/ssh").status == 402)
    key, public = key_pair(HOME / "buyer")
    bought = front.fetch(
        "/ssh",
        method="POST",
        headers={"X-Cashu": (token := wallet.token(100)), "Content-Type": "application/json"},
        body=json.dumps({"public_key": public}).encode(),
    )
    if bought.status != 200:
        return [*wrong, f"/ssh paid: {bought.status} {bought.body.decode(errors='replace')}"]
    machine = bought.json
    want("no hour was bought", 3500 < machine["expires"] - time.time() <= 3610)
    want("no login by password", login(machine).run("uname && whoami").stdout == "Linux\ndev\n")
    want("no login by key", login(machine, password=None, key=key).run("whoami").stdout == "dev\n")
    longer = front.fetch("/ssh", headers={"X-Cashu": wallet.token(50), "Turnpike-Pass": machine["pass"]})
    want(
        "the top-up did not move the end",
        longer.status == 200 and longer.json["expires"] - machine["expires"] >= 1790,
    )
    again = front.fetch("/ssh", headers={"X-Cashu": token})
    same = again.status == 200 and again.json["id"] == machine["id"]
    want("the payment again is not the same machine", same)
    want("no login by the new password", same and login(again.json).works)
    want("the old password still works", not login(machine).works)

    short = demo.turnpike.buy(wallet.token(8), spec="quick", public_key=public)
    if short.status != 201:
        return [*wrong, f"a short one: {short.status} {short.body.decode(errors='replace')}"]
    brief = short.json
    by_key = login(brief, password=None, key=key)
    want(
        "no login to a short one",
        by_key.run("(setsid nohup sleep 600 >/dev/null 2>&1 &); echo mine >file").returncode == 0,
    )
    want("its processes are not seen", len(processes_of(brief)) >= 2)
    folder = demo.ground / "workloads" / brief["id"]
    want("it has no folder", folder.exists())
    while time.time() < brief["expires"] + 5 and (processes_of(brief) or folder.exists()):
        time.sleep(0.1)
    want("a process outlived it", not processes_of(brief))
    want("files outlived it", not folder.exists())
    want("it still takes logins", not by_key.works)
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
        wrong = try_machines(demo, wallet)
        bad += bool(wrong)
        good = "402 · 100 sat 200 · ssh by password, by key · top-up moves the end · again: new password · expired: no process, no file"
        front = next(proxy for proxy in demo.proxies if proxy.name == "nginx")
        print(
            f"{'FAIL' if wrong else 'ok  '} {'/ssh':8} {front.url + '/ssh':24} {'; '.join(wrong) or good}",
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
