"""Offline ecash: what a lock is worth at a real mint, and that we take it for no more."""

import concurrent.futures
import os
import subprocess
import time

import coincurve
import pytest
from counterparts import tokens
from counterparts.lock_table import TABLE
from counterparts.locks import Issuer
from counterparts.mint import Mint
from counterparts.processes import MINT_PYTHON, wait_until
from counterparts.turnpike import Turnpike

THEIRS = coincurve.PrivateKey(b"\x09" * 32)
SLOWLY = {"proofs": 500, "every": "300s"}
AT_ONCE = {"proofs": 1, "every": "1s"}


def offline(url: str, mode: str = "required", exposure: int = 1_000_000, redeem: dict = AT_ONCE) -> dict:
    cashu = {"offline": mode, "mints": [{"url": url, "exposure": exposure}], "redeem": redeem}
    return {"payments": {"cashu": cashu}}


def key_asked_for(gate) -> str:
    request = tokens.request(gate.ask("/paid/x").header("x-cashu"))
    assert request["nut10"]["k"] == "P2PK"
    assert not request["nut10"].get("t"), "a stock wallet refuses a request with tags"
    return request["nut10"]["d"]


def our_key(gate) -> coincurve.PrivateKey:
    lines = (gate.folder / "keys" / "lock-1").read_text().split("\n")
    return coincurve.PrivateKey(bytes.fromhex([line for line in lines if line and line[0] != "#"][0]))


def pay(gate, token: str):
    return gate.ask("/paid/x", {"X-Cashu": token})


def outcome(answer) -> tuple[int, str | None]:
    return answer.status, None if answer.status == 200 else answer.json["reason"]


class Payer:
    """Buys proofs under locks to one gate's key."""

    def __init__(self, mint: Mint, gate: Turnpike):
        self.issuer = Issuer(mint.port)
        self.key = key_asked_for(gate)

    def secret(self, tags: str = "[]") -> str:
        return f'["P2PK",{{"nonce":"{os.urandom(32).hex()}","data":"{self.key}","tags":{tags}}}]'

    def proof(self, amount: int = 16, tags: str = "[]") -> dict:
        return self.issuer.proof(self.secret(tags), amount)

    def token(self, amount: int = 16, tags: str = "[]") -> str:
        return self.issuer.token([self.proof(amount, tags)])

    def is_spent(self, token: str) -> bool:
        return self.issuer.states(tokens.points(token)) == {"SPENT"}


def fetched(payer: Payer, token: str) -> None:
    wait_until(lambda: payer.is_spent(token), "the mint calls the accepted proofs spent", 60, every=0.3)


@pytest.fixture(scope="module")
def required(stage, tmp_path_factory):
    gate = Turnpike(tmp_path_factory.mktemp("required"), **offline(stage.mint.url)).start()
    yield gate
    gate.stop()


@pytest.fixture(scope="module")
def preferred(stage, tmp_path_factory):
    gate = Turnpike(tmp_path_factory.mktemp("preferred"), **offline(stage.mint.url, "preferred")).start()
    yield gate
    gate.stop()


@pytest.fixture(scope="module")
def payer(stage, required):
    return Payer(stage.mint, required)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.title)
def test_a_lock_is_taken_or_refused_by_its_words(required, payer, row):
    secret = row.fill(payer.key, THEIRS.public_key.format().hex(), int(time.time()))
    token = payer.issuer.token([payer.issuer.proof(secret, 16)])
    if row.answer == "taken":
        assert pay(required, token).status == 200
        assert outcome(pay(required, token)) == (402, "spent")
        fetched(payer, token)
    else:
        assert outcome(pay(required, token)) == (400, row.answer)
        assert payer.issuer.states(tokens.points(token)) == {"UNSPENT"}


def test_a_stock_wallet_pays_our_request(stage, required, payer, tmp_path):
    def wallet(*words: str) -> str:
        command = [str(MINT_PYTHON.parent / "cashu"), "-h", stage.mint.url, "-y", *words]
        environment = {**os.environ, "CASHU_DIR": str(tmp_path), "HOME": str(tmp_path), "TOR": "FALSE"}
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    wallet("receive", stage.wallet.token(64))
    printed = wallet("pay", required.ask("/paid/x").header("x-cashu"))
    token = next(word for word in printed.split() if word.startswith("cashuB"))
    assert pay(required, token).status == 200
    fetched(payer, token)


def test_locked_tokens_of_a_stock_wallet_are_served(stage, required, payer):
    token = stage.wallet.locked(10, payer.key)
    assert pay(required, token).status == 200
    fetched(payer, token)


def test_unlocked_or_unproved_tokens_are_refused_where_locks_are_required(stage, required, payer):
    assert outcome(pay(required, stage.wallet.token(10))) == (400, "wrong_lock")
    assert outcome(pay(required, tokens.without_dleq(payer.token()))) == (402, "invalid")


def test_unlocked_or_unproved_tokens_are_swapped_where_locks_are_preferred(stage, preferred):
    own = Payer(stage.mint, preferred)
    for token in [stage.wallet.token(10), tokens.without_dleq(own.token()), own.token()]:
        assert pay(preferred, token).status == 200
        assert outcome(pay(preferred, token)) == (402, "spent")


FAULTS = {
    "another secret": (tokens.forged, (400, "wrong_lock")),
    "another signature": (tokens.forged_signature, (402, "invalid")),
    "another amount": (tokens.inflated, (402, "invalid")),
    "another mint": (lambda token: tokens.of_mint(token, "http://127.0.0.1:1"), (400, "wrong_mint")),
    "another unit": (lambda token: tokens.in_unit(token, "usd"), (400, "wrong_unit")),
    "a proof twice": (tokens.twice, (400, "malformed")),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_has_its_own_code(required, payer, fault):
    change, expected = FAULTS[fault]
    assert outcome(pay(required, change(payer.token()))) == expected


def changed(token: str, change) -> str:
    content = tokens.decode(token)
    change(content)
    return tokens.encode(content)


def test_a_forged_dleq_a_wrong_keyset_and_huge_amounts_are_refused(required, payer):
    def of_others(content):
        content["t"][0]["p"][0]["d"] = tokens.decode(payer.token())["t"][0]["p"][0]["d"]

    def keyset(content):
        content["t"][0]["i"] = b"\x01" + os.urandom(7)

    def huge(content):
        content["t"][0]["p"][0]["a"] = 1 << 63

    def two_huge(content):
        content["t"][0]["p"] += tokens.decode(payer.token())["t"][0]["p"]
        for proof in content["t"][0]["p"]:
            proof["a"] = 1 << 63

    for change, expected in [
        (of_others, (402, "invalid")),
        (keyset, (402, "invalid")),
        (huge, (402, "invalid")),
        (two_huge, (400, "malformed")),
    ]:
        assert outcome(pay(required, changed(payer.token(), change))) == expected


def test_of_overlapping_sets_each_proof_is_allowed_once(required, payer):
    for _ in range(5):
        a, b, c = (payer.proof(8) for _ in range(3))
        sets = [payer.issuer.token(pair) for pair in ([a, b], [a, c], [b, c])]
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            outcomes = list(pool.map(lambda token: outcome(pay(required, token)), sets))
        assert outcomes.count((200, None)) == 1
        assert set(outcomes) <= {(200, None), (402, "spent"), (503, "in_flight")}
        assert sorted(outcome(pay(required, token)) for token in sets) == [(402, "spent")] * 3


def test_nothing_is_asked_of_the_mint_while_a_payer_waits(lone, tmp_path):
    mint = Mint(tmp_path / "mint").start()
    try:
        gate = lone(**offline(mint.url)).start()
        own = Payer(mint, gate)
        first, second = own.token(), own.token()
        assert pay(gate, first).status == 200
        fetched(own, first)
        mint.pause()
        assert pay(gate, second).status == 200, "a call to the mint would be an outage"
        mint.resume()
        fetched(own, second)
    finally:
        mint.stop()


def test_what_was_accepted_outlives_a_kill_and_is_fetched(stage, lone):
    gate = lone(**offline(stage.mint.url, redeem=SLOWLY)).start()
    own = Payer(stage.mint, gate)
    token = own.token()
    assert pay(gate, token).status == 200
    assert outcome(pay(gate, token)) == (402, "spent"), "its use is written down"
    gate.kill()
    gate.config["payments"]["cashu"]["redeem"] = AT_ONCE
    gate.start()
    assert outcome(pay(gate, token)) == (402, "spent")
    fetched(own, token)


@pytest.mark.parametrize("mode, beyond", [("required", (503, "outage")), ("preferred", (200, None))])
def test_a_mint_owes_us_no_more_than_its_limit(stage, lone, mode, beyond):
    gate = lone(**offline(stage.mint.url, mode, exposure=40, redeem=SLOWLY)).start()
    own = Payer(stage.mint, gate)
    assert pay(gate, own.token(32)).status == 200
    assert outcome(pay(gate, own.token(64))) == beyond


def test_a_payment_whose_proofs_are_spent_is_stuck_and_the_others_are_fetched(stage, lone):
    gate = lone(**offline(stage.mint.url, redeem={"proofs": 3, "every": "300s"})).start()
    own = Payer(stage.mint, gate)
    stolen = own.proof()
    assert pay(gate, own.issuer.token([stolen])).status == 200
    kept = own.token()
    assert pay(gate, kept).status == 200
    assert own.issuer.spend(stolen, our_key(gate))
    last = own.token()
    assert pay(gate, last).status == 200
    for token in (kept, last):
        fetched(own, token)
    stuck = gate.await_ledger("stuck")
    assert tokens.payment_id(own.issuer.token([stolen])) in str(stuck)
    assert outcome(pay(gate, own.token())) == (503, "outage"), "the breaker is open"


def test_a_new_key_is_asked_for_and_the_old_one_is_still_taken(stage, lone):
    gate = lone(**offline(stage.mint.url)).start()
    old = Payer(stage.mint, gate)
    token = old.token()
    gate.stop()
    key = gate.folder / "keys" / "lock-2"
    key.write_text(os.urandom(32).hex() + "\n")
    key.chmod(0o600)
    gate.start()
    assert key_asked_for(gate) != old.key
    assert pay(gate, token).status == 200
    fetched(old, token)
