"""Cashu tokens taken apart and put together again, to make the ones that no honest wallet makes."""

import base64
import hashlib
import json
import os

import cbor2
import coincurve


def unpad(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def pad(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def decode(token: str) -> dict:
    """The CBOR map of a `cashuB` token or the JSON object of a `cashuA` token."""
    if token.startswith("cashuB"):
        return cbor2.loads(pad(token[6:]))
    assert token.startswith("cashuA"), "no token"
    return json.loads(pad(token[6:]))


def encode(content: dict) -> str:
    if "m" in content:
        return "cashuB" + unpad(cbor2.dumps(content))
    return "cashuA" + unpad(json.dumps(content).encode())


def proofs(content: dict) -> list[dict]:
    return [
        proof
        for entry in content.get("t", content.get("token", []))
        for proof in entry.get("p", entry.get("proofs", []))
    ]


def hash_to_curve(secret: str) -> bytes:
    """Y of a secret (NUT-00), compressed."""
    seed = hashlib.sha256(b"Secp256k1_HashToCurve_Cashu_" + secret.encode()).digest()
    for counter in range(2**16):
        x = hashlib.sha256(seed + counter.to_bytes(4, "little")).digest()
        try:
            return coincurve.PublicKey(b"\x02" + x).format()
        except ValueError:
            continue
    raise AssertionError("no point for this secret")


def points(token: str) -> list[bytes]:
    """The Y of every proof."""
    return [hash_to_curve(proof.get("s") or proof["secret"]) for proof in proofs(decode(token))]


def payment_id(token: str) -> str:
    """The id under which Turnpike's ledger keeps the payment that this token is."""
    return hashlib.sha256(b"".join(sorted(points(token)))).hexdigest()[:32]


def amounts(token: str) -> list[int]:
    return [proof["a"] if "a" in proof else proof["amount"] for proof in proofs(decode(token))]


def forged(token: str) -> str:
    """The same token, every proof under a fresh secret: the signatures are real, but of something else."""
    content = decode(token)
    for proof in proofs(content):
        proof["s" if "s" in proof else "secret"] = os.urandom(32).hex()
    return encode(content)


def forged_signature(token: str) -> str:
    """The same secrets under a random point as the mint's signature."""
    content = decode(token)
    for proof in proofs(content):
        point = coincurve.PrivateKey().public_key.format()
        if "c" in proof:
            proof["c"] = point
        else:
            proof["C"] = point.hex()
    return encode(content)


def inflated(token: str) -> str:
    """The first proof claims twice its amount."""
    content = decode(token)
    first = proofs(content)[0]
    first["a" if "a" in first else "amount"] *= 2
    return encode(content)


def without_dleq(token: str) -> str:
    content = decode(token)
    for proof in proofs(content):
        proof.pop("d", None)
        proof.pop("dleq", None)
    return encode(content)


def of_mint(token: str, url: str) -> str:
    """The same proofs, said to come from another mint."""
    content = decode(token)
    if "m" in content:
        content["m"] = url
    else:
        for entry in content["token"]:
            entry["mint"] = url
    return encode(content)


def in_unit(token: str, unit: str) -> str:
    content = decode(token)
    content["u" if "m" in content else "unit"] = unit
    return encode(content)


def twice(token: str) -> str:
    """Every proof listed two times: the same money under a larger sum."""
    content = decode(token)
    for entry in content.get("t", content.get("token", [])):
        key = "p" if "p" in entry else "proofs"
        entry[key] = entry[key] + entry[key]
    return encode(content)


def other_spelling(token: str) -> str:
    """The same proofs in other bytes: a memo is added and base64 is padded."""
    content = decode(token)
    content["d" if "m" in content else "memo"] = "another spelling"
    spelled = encode(content)
    return spelled + "=" * (-len(spelled[6:]) % 4)


def request(creq: str) -> dict:
    """The payment request of a 402 (NUT-18)."""
    assert creq.startswith("creqA"), f"no payment request: {creq[:12]}"
    return cbor2.loads(pad(creq[5:]))
