"""usage: nutshell_wallet.py MINT_URL FOLDER UNIT      (run by the Python that has Nutshell)

Reads one JSON order a line, answers one JSON line: {"result": …} or {"error": …}.
"""

import asyncio
import json
import sys
import traceback

from loguru import logger

logger.remove()
answers, sys.stdout = sys.stdout, sys.stderr  # Nutshell prints; only answers may go to the pipe

from cashu.core.migrations import migrate_databases  # noqa: E402
from cashu.wallet import migrations  # noqa: E402
from cashu.wallet.helpers import deserialize_token_from_string, receive  # noqa: E402
from cashu.wallet.wallet import Wallet  # noqa: E402

PROOFS_AT_ONCE = 400  # Nutshell takes at most 1000 outputs a call


def binary(amount: int) -> list[int]:
    return [1 << bit for bit in range(64) if amount >> bit & 1]


class Till:
    def __init__(self, wallet: Wallet):
        self.wallet = wallet

    async def mint(self, split: list[int]) -> list:
        amount = sum(split)
        quote = await self.wallet.request_mint(amount)
        for _ in range(100):
            state = await self.wallet.get_mint_quote(quote.quote)
            if state.paid:
                break
            await asyncio.sleep(0.05)
        return list(await self.wallet.mint(amount, quote_id=quote.quote, split=sorted(split)))

    async def tokens(
        self, amount: int, count: int, version: int, dleq: bool, split: list[int] | None
    ) -> list[str]:
        parts = split or binary(amount)
        assert sum(parts) == amount, "the split does not make the amount"
        made = []
        while len(made) < count:
            now = min(count - len(made), max(1, PROOFS_AT_ONCE // len(parts)))
            pool: dict[int, list] = {}
            for proof in await self.mint(parts * now):
                pool.setdefault(proof.amount, []).append(proof)
            for _ in range(now):
                proofs = [pool[part].pop() for part in parts]
                made.append(
                    await self.wallet.serialize_proofs(proofs, include_dleq=dleq, legacy=version == 3)
                )
        return made

    async def locked(self, amount: int, key: str) -> str:
        # Only these: the wallet still holds what went out as tokens, and some of that is spent by now.
        own = await self.mint(binary(amount) + [8])
        lock = await self.wallet.create_p2pk_lock(key)
        _, send = await self.wallet.swap_to_send(
            own, amount, secret_lock=lock, set_reserved=True
        )
        return await self.wallet.serialize_proofs(send, include_dleq=True)

    async def redeem(self, token: str) -> bool:
        await receive(self.wallet, deserialize_token_from_string(token))
        return True


async def main() -> None:
    url, folder, unit = sys.argv[1:]
    wallet = await Wallet.with_db(url, folder, name="wallet", unit=unit)
    await migrate_databases(wallet.db, migrations)
    await wallet._init_private_key()
    loaded = False
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        try:
            if not loaded:
                await wallet.load_mint()
                loaded = True
            order = json.loads(line)
            verb = getattr(Till(wallet), order.pop("do"))
            answer = {"result": await verb(**order)}
        except Exception as error:  # told to the test, which fails with it
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


asyncio.run(main())
