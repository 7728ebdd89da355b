"""Proofs of a real mint under any secret at all, with their DLEQ proofs: to try what a lock is worth."""

import hashlib
import json
import os
import time

import coincurve

from . import web
from .tokens import encode, hash_to_curve

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def negated(point: coincurve.PublicKey) -> coincurve.PublicKey:
    return point.multiply((ORDER - 1).to_bytes(32, "big"))


class Issuer:
    """Buys proofs one by one from a mint that believes every invoice is paid."""

    def __init__(self, port: int, unit: str = "sat"):
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.unit = unit
        listed = [k for k in self.ask("/v1/keysets")["keysets"] if k["unit"] == unit and k["active"]]
        self.keyset = listed[0]
        keys = self.ask(f"/v1/keys/{self.keyset['id']}")["keysets"][0]["keys"]
        self.keys = {int(amount): coincurve.PublicKey(bytes.fromhex(key)) for amount, key in keys.items()}

    def call(self, path: str, body: dict | None = None) -> web.Answer:
        if body is None:
            return web.fetch(self.port, path)
        return web.fetch(
            self.port,
            path,
            method="POST",
            headers={"Content-Type": "application/json"},
            body=json.dumps(body).encode(),
        )

    def ask(self, path: str, body: dict | None = None) -> dict:
        answer = self.call(path, body)
        assert answer.status == 200, (path, answer.status, answer.body)
        return answer.json

    def blinded(self, secret: str, amount: int, r: bytes) -> dict:
        point = coincurve.PublicKey.combine_keys(
            [coincurve.PublicKey(hash_to_curve(secret)), coincurve.PrivateKey(r).public_key]
        )
        return {"amount": amount, "id": self.keyset["id"], "B_": point.format().hex()}

    def proof(self, secret: str, amount: int) -> dict:
        """A proof of a V4 token."""
        quote = self.ask("/v1/mint/quote/bolt11", {"amount": amount, "unit": self.unit})["quote"]
        for _ in range(100):
            if self.ask(f"/v1/mint/quote/bolt11/{quote}")["state"] == "PAID":
                break
            time.sleep(0.05)
        r = os.urandom(32)
        output = self.blinded(secret, amount, r)
        signature = self.ask("/v1/mint/bolt11", {"quote": quote, "outputs": [output]})["signatures"][0]
        C = coincurve.PublicKey.combine_keys(
            [
                coincurve.PublicKey(bytes.fromhex(signature["C_"])),
                negated(self.keys[amount].multiply(r)),
            ]
        )
        proof = {name: bytes.fromhex(signature["dleq"][name]) for name in ("e", "s")} | {"r": r}
        return {"a": amount, "s": secret, "c": C.format(), "d": proof}

    def locked(self, key: str, amount: int, count: int) -> list[str]:
        """Tokens locked to a public key, each of the binary parts of `amount`; all of them by one quote for each hundred."""
        parts = [1 << bit for bit in range(64) if amount >> bit & 1]
        made = []
        while len(made) < count:
            now = min(100, count - len(made))
            secrets = [
                json.dumps(["P2PK", {"nonce": os.urandom(32).hex(), "data": key, "tags": []}])
                for _ in range(now * len(parts))
            ]
            proofs = self.proofs(secrets, parts * now)
            made += [
                self.token(proofs[start : start + len(parts)]) for start in range(0, len(proofs), len(parts))
            ]
        return made

    def proofs(self, secrets: list[str], amounts: list[int]) -> list[dict]:
        """Many proofs by one quote. The mint wants its outputs in ascending order of amounts."""
        quote = self.ask("/v1/mint/quote/bolt11", {"amount": sum(amounts), "unit": self.unit})["quote"]
        for _ in range(100):
            if self.ask(f"/v1/mint/quote/bolt11/{quote}")["state"] == "PAID":
                break
            time.sleep(0.05)
        order = sorted(range(len(secrets)), key=lambda n: amounts[n])
        blinding = [os.urandom(32) for _ in secrets]
        outputs = [self.blinded(secrets[n], amounts[n], blinding[n]) for n in order]
        signed = self.ask("/v1/mint/bolt11", {"quote": quote, "outputs": outputs})["signatures"]
        made: dict[int, dict] = {}
        for n, signature in zip(order, signed):
            made[n] = self.unblinded(secrets[n], amounts[n], blinding[n], signature)
        return [made[n] for n in range(len(secrets))]

    def unblinded(self, secret: str, amount: int, r: bytes, signature: dict) -> dict:
        C_ = coincurve.PublicKey(bytes.fromhex(signature["C_"]))
        C = coincurve.PublicKey.combine_keys([C_, negated(self.keys[amount].multiply(r))])
        proved = {name: bytes.fromhex(signature["dleq"][name]) for name in ("e", "s")} | {"r": r}
        return {"a": amount, "s": secret, "c": C.format(), "d": proved}

    def token(self, proofs: list[dict]) -> str:
        group = {"i": bytes.fromhex(self.keyset["id"])[:8], "p": proofs}
        return encode({"t": [group], "m": self.url, "u": self.unit})

    def spend(self, proof: dict, key: coincurve.PrivateKey | None) -> bool:
        """Whether the mint takes the proof with a signature of this key, or with none."""
        spent = {"amount": proof["a"], "id": self.keyset["id"], "secret": proof["s"], "C": proof["c"].hex()}
        if key is not None:
            hash = hashlib.sha256(proof["s"].encode()).digest()
            spent["witness"] = json.dumps({"signatures": [key.sign_schnorr(hash).hex()]})
        rest = proof["a"] - (self.keyset.get("input_fee_ppk", 0) + 999) // 1000
        outputs = [
            self.blinded(os.urandom(32).hex(), 1 << bit, os.urandom(32))
            for bit in range(64)
            if rest >> bit & 1
        ]
        return self.call("/v1/swap", {"inputs": [spent], "outputs": outputs}).status == 200

    def states(self, points: list[bytes]) -> set[str]:
        answer = self.ask("/v1/checkstate", {"Ys": [point.hex() for point in points]})
        return {state["state"] for state in answer["states"]}
