"""usage: python chaos [--kills N] [--payments N] [--seed N] [--kinds online,offline,dollars] [--postgres] [--replicas N]
       [--folder DIR] [--no-points] [--weights GATE,MINT,FACILITATOR]

A storm of payers while Turnpike, the mint and the facilitator are killed: first at every named crash point (debug builds
have them), then at random. The chain stays up. The last line is the account; exit 0 when it adds up.
"""

import argparse
import pathlib
import random
import shutil
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from chaos.audit import Audit, audit  # noqa: E402
from chaos.payments import CRASH_POINTS  # noqa: E402
from chaos.scene import KINDS, Scene  # noqa: E402
from chaos.storm import Storm, Victim, crash_at_every_point  # noqa: E402


def weather(asked: argparse.Namespace, folder: pathlib.Path) -> tuple[Audit, int, list[str]]:
    """The audit, the kills, and what is wrong beside them."""
    begun = time.monotonic()

    def step(what: str) -> None:
        print(f"chaos: {time.monotonic() - begun:4.0f} s {what}", flush=True)

    scene = Scene(folder, asked.kinds, asked.replicas, asked.postgres)
    try:
        each = 0 if asked.no_points else len(CRASH_POINTS) * len(asked.kinds)
        payments = scene.payments(asked.payments + each)
        step(f"{len(payments)} payments bought")
        kills = crash_at_every_point(scene, payments[:each], CRASH_POINTS)
        if each:
            step(f"{kills} crashes at named points")
        victims = [
            *(Victim(gate.name, asked.weights[0], gate) for gate in scene.gates),
            Victim("mint", asked.weights[1], scene.mint),
            Victim("facilitator", asked.weights[2] * ("dollars" in asked.kinds), scene.facilitator),
        ]
        storm = Storm(asked.seed, payments[each:], scene.ask, victims, asked.kills)
        storm.run()
        kills += storm.killed
        step("the storm is over: " + ", ".join(f"{one.name} killed {one.kills} times" for one in victims))
        scene.await_answers()
        step(
            "everything is settled" if scene.await_quiet(payments, asked.patience) else "something stays open"
        )
        storm.ask_all_again(payments, 30)
        step("everybody asked again")
        if not scene.await_quiet(payments, 10):
            step("something stays open")
        made = audit(
            payments,
            scene.money(payments),
            [row for row in scene.listed() if row["kind"] == "payment"],
            scene.listed("--state", "redelivered"),
            [row for row in scene.listed("--state", "stuck") if row["kind"] == "use"],
        )
        wrong = scene.reconcile()
        step("reconciled" if not wrong else "not reconciled")
        return made, kills, [wrong] if wrong else []
    finally:
        scene.stop()


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--payments", type=int, default=600)
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    parser.add_argument("--kinds", type=lambda text: text.split(","), default=list(KINDS))
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--replicas", type=int, default=1, choices=(1, 2))
    parser.add_argument("--folder", type=pathlib.Path)
    parser.add_argument("--no-points", action="store_true")
    parser.add_argument("--patience", type=float, default=150, help="seconds for recovery to come to an end")
    parser.add_argument(
        "--weights", type=lambda text: [int(word) for word in text.split(",")], default=[6, 2, 2]
    )
    return parser.parse_args()


def main() -> int:
    asked = options()
    folder = asked.folder or pathlib.Path(tempfile.mkdtemp(prefix="chaos-"))
    if asked.folder:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"chaos: seed {asked.seed}, files in {folder}", flush=True)
    made, kills, wrong = weather(asked, folder)
    for fault in [*made.faults, *wrong]:
        print("chaos:", fault)
    for kind, sums in made.sums.items():
        print(f"chaos: {kind}", ", ".join(f"{name} {value}" for name, value in sums.items()))
    print(made.line(kills))
    if made.clean and not wrong and not asked.folder:
        shutil.rmtree(folder, ignore_errors=True)
    return 0 if made.clean and not wrong else 1


if __name__ == "__main__":
    sys.exit(main())
