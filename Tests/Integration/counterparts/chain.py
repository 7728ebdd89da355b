"""The local EVM chain and the stock facilitator on it, each a process of its own."""

import http.client
import json
import pathlib

from . import web
from .processes import ROOT, Process, free_port, listening, wait_until

X402_PYTHON = ROOT / ".venv" / "x402" / "bin" / "python"
TOKEN_CODE = ROOT / ".venv" / "token.hex"  # compiled by scripts/setup.sh
HERE = pathlib.Path(__file__).parent

NETWORK = "eip155:84532"
USDC = "0x036CbD53842c5426634e7929541eC2318f3dCF7e"
PAY_TO = "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
USED = "0x98de503528ee59b575ef0c0a2576a82497bfc029a5685b209e9ec333479b10a5"


class RPCError(Exception):
    """The chain's own word for what is wrong."""


def topic(address: str) -> str:
    return "0x" + "00" * 12 + address[2:].lower()


class Chain:
    """`rpc("eth_blockNumber")`; the chain lives in memory, so a restart is a new one."""

    def __init__(self, folder: pathlib.Path, port: int | None = None):
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = Process("chain", [X402_PYTHON, HERE / "evm_chain.py", self.port, TOKEN_CODE], folder)

    def begin(self) -> "Chain":
        self.process.start()
        return self

    def await_ready(self) -> "Chain":
        self.process.await_ready(lambda: listening(self.port))
        return self

    def start(self) -> "Chain":
        return self.begin().await_ready()

    def stop(self) -> None:
        self.process.stop(3)

    def rpc(self, method: str, *params):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            question = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
            connection.request("POST", "/", json.dumps(question), {"Content-Type": "application/json"})
            answer = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        if "error" in answer:
            raise RPCError(answer["error"]["message"])
        return answer["result"]

    def mint(self, addresses: list[str] | str, amount: int = 10**9) -> None:
        """Gives each address that many atomic units, and waits for the block."""
        many = [addresses] if isinstance(addresses, str) else addresses
        last = self.rpc("test_mintMany", many, amount)[-1]
        wait_until(lambda: self.rpc("eth_getTransactionReceipt", last), "the money is made")

    def balance(self, address: str) -> int:
        call = {"to": USDC, "data": "0x70a08231" + topic(address)[2:]}
        return int(self.rpc("eth_call", call, "latest"), 16)

    def transfers(self, payer: str | None = None, payee: str | None = PAY_TO) -> list[dict]:
        """The Transfer logs of the test dollar, oldest first."""
        topics = [TRANSFER, topic(payer) if payer else None, topic(payee) if payee else None]
        return self.rpc(
            "eth_getLogs", {"fromBlock": "0x0", "toBlock": "latest", "address": USDC, "topics": topics}
        )

    @property
    def writes(self) -> int:
        return self.rpc("test_writes")


class Facilitator:
    """The SDK's facilitator over a chain."""

    def __init__(self, folder: pathlib.Path, chain: Chain, port: int | None = None):
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = Process(
            "facilitator", [X402_PYTHON, HERE / "stock_facilitator.py", self.port, chain.url], folder
        )

    def begin(self) -> "Facilitator":
        self.process.start()
        return self

    def await_ready(self) -> "Facilitator":
        self.process.await_ready(self.answers)
        return self

    def start(self) -> "Facilitator":
        return self.begin().await_ready()

    def answers(self) -> bool:
        try:
            return web.fetch(self.port, "/supported", timeout=5).status == 200
        except (OSError, web.Closed):
            return False

    def kill(self) -> None:
        self.process.kill()

    def stop(self) -> None:
        self.process.stop(3)
