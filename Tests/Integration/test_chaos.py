"""The storm in its short form; `make chaos` is the long one."""

import random
import re
import subprocess
import sys

import pytest
from counterparts.processes import ROOT

ACCOUNT = re.compile(
    r"kills (\d+) payments (\d+) granted (\d+) redelivered (\d+) stuck (\d+) lost 0 doubled 0"
)


@pytest.mark.timeout(400)
def test_in_a_storm_no_money_is_lost_and_none_buys_twice(tmp_path):
    seed = random.randrange(2**32)
    command = [
        sys.executable,
        ROOT / "Tests/Integration/chaos",
        "--seed",
        seed,
        "--folder",
        tmp_path / "chaos",
    ]
    short = ["--kills", 8, "--payments", 36, "--weights", "6,1,2"]
    done = subprocess.run(
        [str(word) for word in command + short], capture_output=True, text=True, timeout=380
    )
    print(done.stdout, done.stderr)
    assert done.returncode == 0, f"seed {seed}"
    account = ACCOUNT.fullmatch(done.stdout.strip().split("\n")[-1])
    assert account, "the last line is the account"
    kills, payments, granted, _, stuck = map(int, account.groups())
    assert kills >= 8 and payments >= 36
    assert granted + stuck <= payments
