"""A real Nutshell mint with a fake Lightning wallet, and Nutshell's own wallet to buy tokens from it."""

import pathlib
import signal

from . import web
from .coprocess import Coprocess
from .processes import MINT_PYTHON, Process, free_port


class Mint:
    """One mint on one port. Its keys follow from `key`; the database survives `kill` and `start`."""

    def __init__(
        self,
        folder: pathlib.Path,
        fee_ppk: int = 0,
        key: str | None = None,
        port: int | None = None,
        **settings: str,
    ):
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.environment = {
            "MINT_BACKEND_BOLT11_SAT": "FakeWallet",
            "MINT_BACKEND_BOLT11_USD": "FakeWallet",
            "MINT_PRIVATE_KEY": key or f"turnpike_test_key_{self.port}",
            "MINT_DERIVATION_PATH": "m/0'/0'/0'",
            "MINT_DERIVATION_PATH_LIST": "[\"m/0'/2'/0'\"]",
            "MINT_DATABASE": str(self.folder / "db"),
            "MINT_LISTEN_HOST": "127.0.0.1",
            "MINT_LISTEN_PORT": str(self.port),
            "MINT_INPUT_FEE_PPK": str(fee_ppk),
            "MINT_RATE_LIMIT": "FALSE",
            "FAKEWALLET_BRR": "TRUE",
            "FAKEWALLET_DELAY_INCOMING_PAYMENT": "0",
            "FAKEWALLET_DELAY_OUTGOING_PAYMENT": "0",
            "CASHU_DIR": str(self.folder / "cashu"),
            "HOME": str(self.folder),
            "LOG_LEVEL": "INFO",
            "DEBUG": "FALSE",
            "TOR": "FALSE",
            **settings,
        }
        self.process = Process(
            "mint", [MINT_PYTHON.parent / "mint"], self.folder, env=self.environment, cwd=self.folder
        )

    def begin(self) -> "Mint":
        """Starts without waiting; `await_ready` follows."""
        self.process.start()
        return self

    def await_ready(self) -> "Mint":
        self.process.await_ready(self.answers)
        return self

    def start(self) -> "Mint":
        return self.begin().await_ready()

    def answers(self) -> bool:
        try:
            return web.fetch(self.port, "/v1/info", timeout=2).status == 200
        except (OSError, web.Closed):
            return False

    def pause(self) -> None:
        """The mint keeps its connections but does nothing (SIGSTOP) until `resume`."""
        self.process.freeze()

    def resume(self) -> None:
        self.process.signal(signal.SIGCONT)

    def kill(self) -> None:
        self.process.kill()

    def stop(self) -> None:
        self.process.stop()


class Wallet(Coprocess):
    """Nutshell's wallet in a process of its own."""

    def __init__(self, mint_url: str, folder: pathlib.Path, unit: str = "sat"):
        script = pathlib.Path(__file__).with_name("nutshell_wallet.py")
        env = {"CASHU_DIR": str(folder), "HOME": str(folder), "MINT_URL": mint_url, "TOR": "FALSE"}
        super().__init__("wallet", [MINT_PYTHON, script, mint_url, folder, unit], folder, env)

    def tokens(
        self, amount: int, count: int = 1, version: int = 4, dleq: bool = True, split: list[int] | None = None
    ) -> list[str]:
        """`count` fresh tokens of `amount` each; `split` names the proofs' amounts (powers of two)."""
        return self.ask(do="tokens", amount=amount, count=count, version=version, dleq=dleq, split=split)

    def token(self, amount: int, **how) -> str:
        return self.tokens(amount, 1, **how)[0]

    def locked(self, amount: int, public_key: str) -> str:
        """A token locked to a public key by NUT-11."""
        return self.ask(do="locked", amount=amount, key=public_key)

    def redeem(self, token: str) -> None:
        """Spends a token at the mint, as its holder elsewhere would."""
        self.ask(do="redeem", token=token)
