"""usage: stock_payer.py      (run by the Python that has the x402 SDK)

Reads one JSON order a line, answers one JSON line: {"result": …} or {"error": …}. `pay` is the SDK's own paying client,
as it comes; `sign` makes any payload with eth-account alone, honest or not.
"""

import asyncio
import json
import os
import sys
import time
import traceback

answers, sys.stdout = sys.stdout, sys.stderr

import httpx  # noqa: E402
from eth_account import Account  # noqa: E402
from x402 import x402Client  # noqa: E402
from x402.http.clients import x402_httpx_transport  # noqa: E402
from x402.mechanisms.evm.exact import register_exact_evm_client  # noqa: E402
from x402.mechanisms.evm.signers import EthAccountSigner  # noqa: E402

CHAINS = {"base-sepolia": 84532, "base": 8453}
FIELDS = {
    name: [{"name": field, "type": kind} for field, kind in fields]
    for name, fields in {
        "TransferWithAuthorization": (
            ("from", "address"),
            ("to", "address"),
            ("value", "uint256"),
            ("validAfter", "uint256"),
            ("validBefore", "uint256"),
            ("nonce", "bytes32"),
        )
    }.items()
}


class Counting(httpx.AsyncHTTPTransport):
    """Counts the requests that carry a payment, and the payments themselves."""

    def __init__(self):
        super().__init__()
        self.payments: list[str] = []

    async def handle_async_request(self, request):
        for name in ("payment-signature", "x-payment"):
            if name in request.headers:
                self.payments.append(request.headers[name])
        return await super().handle_async_request(request)


def described(answer: httpx.Response) -> dict:
    return {
        "status": answer.status_code,
        "headers": list(map(list, answer.headers.multi_items())),
        "body": answer.text,
    }


async def pay(
    key: str, url: str, method: str = "GET", headers=None, tries: int = 1, body: str | None = None
) -> dict:
    """One purchase by the stock client, which starts afresh up to `tries` times, as a naive program does."""
    client = x402Client()
    register_exact_evm_client(client, EthAccountSigner(Account.from_key(key)))
    wire = Counting()
    seen = []
    for _ in range(tries):
        try:
            async with httpx.AsyncClient(transport=x402_httpx_transport(client, wire), timeout=60) as http:
                answer = await http.request(method, url, headers=dict(headers or []), content=body)
            seen.append(described(answer))
            if answer.status_code == 200:
                break
        except Exception as error:
            seen.append({"status": 0, "headers": [], "body": f"{type(error).__name__}: {error}"})
    return {"answers": seen, "payments": wire.payments}


async def address(key: str) -> str:
    return Account.from_key(key).address


async def create() -> dict:
    account = Account.create()
    return {"key": "0x" + bytes(account.key).hex().removeprefix("0x"), "address": account.address}


async def createMany(count: int) -> list:
    return [await create() for _ in range(count)]


async def sign(
    key: str, wanted: dict, chain: int | None = None, domain: dict | None = None, **changes
) -> dict:
    """The `payload` member of an EIP-3009 payment for these requirements; `changes` replace authorisation fields."""
    account = Account.from_key(key)
    now = int(time.time())
    message = {
        "from": account.address,
        "to": wanted["payTo"],
        "value": int(wanted.get("amount") or wanted["maxAmountRequired"]),
        "validAfter": 0,
        "validBefore": now + int(wanted.get("maxTimeoutSeconds") or 60),
        "nonce": "0x" + os.urandom(32).hex(),
    } | changes
    network = wanted["network"]
    under = {
        "name": wanted["extra"]["name"],
        "version": wanted["extra"]["version"],
        "chainId": chain or CHAINS.get(network) or int(network.split(":")[1]),
        "verifyingContract": wanted["asset"],
    } | (domain or {})
    signed = Account.sign_typed_data(
        account.key, under, FIELDS, message | {"nonce": bytes.fromhex(message["nonce"][2:])}
    )
    return {
        "signature": "0x" + bytes(signed.signature).hex().removeprefix("0x"),
        "authorization": {
            name: value if isinstance(value, str) else str(value) for name, value in message.items()
        },
    }


async def signMany(keys: list, wanted: dict) -> list:
    return [await sign(key, wanted) for key in keys]


async def main() -> None:
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        try:
            order = json.loads(line)
            answer = {"result": await globals()[order.pop("do")](**order)}
        except Exception as error:  # told to the test, which fails with it
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


asyncio.run(main())
