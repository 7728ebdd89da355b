"""A mint of the bench's own: tells its keysets, and has already signed all that is paid. Proofs with DLEQ, locked to a key.

Nobody redeems here: what is measured is the accepting.
"""

import base64
import dataclasses
import hashlib
import http.server
import json
import os
import threading

import cbor2
import coincurve

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


@dataclasses.dataclass
class Proof:
    amount: int
    secret: str
    C: bytes
    e: bytes
    s: bytes
    r: bytes


class Keyset:
    """64 keys for `sat`, and their NUT-02 version 2 identifier."""

    def __init__(self):
        self.keys = {1 << i: coincurve.PrivateKey() for i in range(64)}
        self.public = {amount: key.public_key.format().hex() for amount, key in self.keys.items()}
        listed = ",".join(f"{amount}:{key}" for amount, key in sorted(self.public.items()))
        self.id = "01" + hashlib.sha256(f"{listed}|unit:sat".encode()).hexdigest()

    def sign(self, amount: int, secret: str) -> Proof:
        """NUT-00 and NUT-12: what a wallet holds after the mint has signed."""
        key = self.keys[amount]
        K = key.public_key
        Y = hash_to_curve(secret.encode())
        r, nonce = coincurve.PrivateKey(), coincurve.PrivateKey()
        B_ = coincurve.PublicKey.combine_keys([Y, r.public_key])
        C_ = B_.multiply(key.secret)
        e = dleq_hash([nonce.public_key, B_.multiply(nonce.secret), K, C_])
        s = (int.from_bytes(nonce.secret) + int.from_bytes(e) * int.from_bytes(key.secret)) % ORDER
        return Proof(amount, secret, Y.multiply(key.secret).format(), e, s.to_bytes(32), r.secret)


def hash_to_curve(message: bytes) -> coincurve.PublicKey:
    start = hashlib.sha256(b"Secp256k1_HashToCurve_Cashu_" + message).digest()
    for counter in range(1 << 16):
        try:
            return coincurve.PublicKey(
                b"\x02" + hashlib.sha256(start + counter.to_bytes(4, "little")).digest()
            )
        except ValueError:
            continue
    raise AssertionError("one in 2^65536")


def dleq_hash(points: list[coincurve.PublicKey]) -> bytes:
    return hashlib.sha256("".join(p.format(compressed=False).hex() for p in points).encode()).digest()


def locked_secret(key: str) -> str:
    """NUT-11, as Nutshell writes it."""
    return json.dumps(
        ["P2PK", {"data": key, "nonce": os.urandom(16).hex(), "tags": [["sigflag", "SIG_INPUTS"]]}]
    )


def token(mint: str, keyset: Keyset, proofs: list[Proof]) -> str:
    """NUT-00, version 4."""
    entry = {
        "i": bytes.fromhex(keyset.id)[:8],
        "p": [{"a": p.amount, "s": p.secret, "c": p.C, "d": {"e": p.e, "s": p.s, "r": p.r}} for p in proofs],
    }
    content = cbor2.dumps({"m": mint, "u": "sat", "t": [entry]})
    return "cashuB" + base64.urlsafe_b64encode(content).decode().rstrip("=")


def requested_key(request: str) -> str:
    """The key that a NUT-18 payment request wants proofs locked to."""
    assert request.startswith("creqA"), "no payment request"
    text = request[5:]
    content = cbor2.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return content["nut10"]["d"]


class Mint:
    """GET /v1/info, /v1/keysets and /v1/keys; a swap is answered with a server error, so that none ends."""

    def __init__(self, keyset: Keyset):
        listing = {"id": keyset.id, "unit": "sat", "active": True, "input_fee_ppk": 0}
        keys = {**listing, "keys": {str(amount): key for amount, key in keyset.public.items()}}
        nuts = {str(number): {"supported": True} for number in (7, 8, 9, 10, 11, 12, 20)}
        answers = {
            "/v1/info": {"name": "bench", "version": "bench/1", "nuts": nuts},
            "/v1/keysets": {"keysets": [listing]},
            "/v1/keys": {"keysets": [keys]},
            f"/v1/keys/{keyset.id}": {"keysets": [keys]},
        }

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.answer(answers.get(self.path))

            def do_POST(self):
                self.rfile.read(int(self.headers.get("content-length", 0)))
                self.answer(None)

            def answer(self, content):
                body = json.dumps(content or {}).encode()
                self.send_response(200 if content else 503)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
