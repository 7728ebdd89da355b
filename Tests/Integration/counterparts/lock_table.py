"""Locks as payers write them, good and hostile: who can spend each at a real mint was tried with Nutshell 0.20.2 and 0.21.0."""

import dataclasses
import os

PLAIN = '["P2PK",{"nonce":"NONCE","data":"OURS","tags":TAGS}]'
DAY, HOUR = 86_400, 3_600


@dataclasses.dataclass(frozen=True)
class Row:
    """`OURS`, `THEIRS`, `NOW+n` and `NONCE` are filled in; `answer` is Turnpike's where only locked proofs are taken."""

    title: str
    secret: str
    answer: str

    def fill(self, ours: str, theirs: str, now: int) -> str:
        secret = self.secret.replace("OURS", ours).replace("THEIRS", theirs)
        secret = secret.replace("NONCE", os.urandom(32).hex())
        while "NOW+" in secret:
            before, rest = secret.split("NOW+", 1)
            digits = len(rest) - len(rest.lstrip("0123456789"))
            secret = before + str(now + int(rest[:digits])) + rest[digits:]
        return secret


def taken(title: str, secret: str) -> Row:
    return Row(title, secret, "taken")


def refused(title: str, secret: str) -> Row:
    return Row(title, secret, "wrong_lock")


def tags(text: str) -> str:
    return PLAIN.replace("TAGS", text)


TABLE = [
    taken("an empty list of tags", tags("[]")),
    taken("no tags", '["P2PK",{"nonce":"NONCE","data":"OURS"}]'),
    taken("sigflag SIG_INPUTS", tags('[["sigflag","SIG_INPUTS"]]')),
    taken("a locktime of a day", tags(f'[["locktime","NOW+{DAY}"],["sigflag","SIG_INPUTS"]]')),
    taken("a locktime with a refund", tags(f'[["locktime","NOW+{DAY}"],["refund","THEIRS"]]')),
    taken("a space at the end", tags("[]") + " "),
    refused("a locktime of an hour", tags(f'[["locktime","NOW+{HOUR}"]]')),
    refused("another key", '["P2PK",{"nonce":"NONCE","data":"THEIRS","tags":[]}]'),
    refused(
        "the key twice, ours first", '["P2PK",{"nonce":"NONCE","data":"OURS","tags":[],"data":"THEIRS"}]'
    ),
    refused("the key twice, ours last", '["P2PK",{"nonce":"NONCE","data":"THEIRS","tags":[],"data":"OURS"}]'),
    refused("a second key that may sign", tags('[["pubkeys","THEIRS"]]')),
    refused("two of two must sign", tags('[["pubkeys","THEIRS"],["n_sigs","2"]]')),
    refused("two of one must sign", tags('[["n_sigs","2"]]')),
    refused("a locktime that has passed", tags('[["locktime","1"]]')),
    refused("a locktime that has passed, refunded", tags('[["locktime","1"],["refund","THEIRS"]]')),
    refused("a locktime of letters", tags('[["locktime","abc"]]')),
    refused("a locktime that is a number", tags('[["locktime",1]]')),
    refused("an unknown flag", tags('[["sigflag","SIG_FOO"]]')),
    refused("all must be signed", tags('[["sigflag","SIG_ALL"]]')),
    refused("the flag twice", tags('[["sigflag","SIG_INPUTS"],["sigflag","SIG_ALL"]]')),
    refused("two locktimes", tags('[["locktime","9999999999"],["locktime","1"]]')),
    refused("an unknown tag", tags('[["foo","bar"]]')),
    refused("the kind in lower case", '["p2pk",{"nonce":"NONCE","data":"OURS","tags":[]}]'),
    refused("a Kelvin sign for a K", '["P2P\u212a",{"nonce":"NONCE","data":"OURS","tags":[]}]'),
    refused("a hash lock on our key", '["HTLC",{"nonce":"NONCE","data":"OURS","tags":[]}]'),
    refused("a secret of 600 characters", tags("[]").replace("NONCE", "NONCE" + "a" * 450)),
    refused("an object", '{"P2PK":0,"nonce":"NONCE","data":"OURS"}'),
    refused("no lock", "NONCE"),
]
