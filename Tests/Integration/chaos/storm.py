"""Payers that pay until they have an answer, and a hand that kills."""

import concurrent.futures
import random
import threading
import time

from counterparts import web
from counterparts.processes import NotReady

from .payments import Payment

WORKERS = 200  # payers at the same time
PATIENCE_SECONDS = 20  # of one payer at a time; he comes back when the storm is over
CALM_WORKERS = 16  # the stock facilitator settles some ten payments a second
SLACK = 4  # kills that may be outstanding while payers come
FINAL = {200, 400, 402, 409}


class Victim:
    """A process that may be killed while it is ready, and comes back by itself."""

    def __init__(self, name: str, weight: int, process):
        self.name = name
        self.weight = weight
        self.process = process  # has `kill`, `begin` and `await_ready`
        self.ready = True
        self.kills = 0
        self.fault: Exception | None = None  # why it did not come back

    def kill(self, pause: float) -> None:
        self.ready = False
        self.kills += 1
        self.process.kill()
        threading.Thread(target=self.come_back, args=(pause,), daemon=True).start()

    def come_back(self, pause: float) -> None:
        """A few attempts: while it was away, another program may have used its port for a moment."""
        for _ in range(5):
            time.sleep(pause)
            try:
                self.process.begin()
                self.process.await_ready()
                self.ready = True
                return
            except NotReady as error:
                fault, pause = error, 1
        self.fault = fault


class Storm:
    """Presents each payment until its final answer while `victims` are killed, one kill for every few payments begun."""

    def __init__(self, seed: int, payments: list[Payment], ask, victims: list[Victim], kills: int):
        self.chance = random.Random(seed)
        self.payments = payments
        self.ask = ask  # (payment, chance) -> status; raises OSError or Closed when there was no answer
        self.victims = victims
        self.kills = kills
        self.killed = 0
        self.begun = 0
        self.lock = threading.Lock()
        self.due = threading.Semaphore(0)
        self.over = threading.Event()

    def run(self) -> None:
        """Returns when every payer has its answer or has lost patience, and everybody is back."""
        hand = threading.Thread(target=self.strike, daemon=True)
        hand.start()
        seeds = [self.chance.random() for _ in self.payments]
        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            list(pool.map(self.pay, self.payments, seeds))
        self.over.set()
        self.due.release()
        hand.join()
        self.await_victims()

    def ask_all_again(self, payments: list[Payment], patience: float) -> None:
        """Everybody presents once more, served or not: whoever was served must not be served again."""
        with concurrent.futures.ThreadPoolExecutor(CALM_WORKERS) as pool:
            list(pool.map(lambda payment: self.present(payment, random.Random(0), patience), payments))

    def await_victims(self) -> None:
        while not all(victim.ready for victim in self.victims):
            self.check_victims()
            time.sleep(0.05)

    def check_victims(self) -> None:
        for victim in self.victims:
            if victim.fault:
                raise RuntimeError(f"{victim.name} did not come back: {str(victim.fault)[-600:]}")

    def pay(self, payment: Payment, seed: float) -> None:
        with self.lock:
            self.begun += 1
            due = self.begun * self.kills // len(self.payments)
            for _ in range(due - (self.begun - 1) * self.kills // len(self.payments)):
                self.due.release()
        # Payers come no faster than the hand kills, so that every kill meets some.
        while self.killed < due - SLACK:
            self.check_victims()
            time.sleep(0.02)
        self.present(payment, random.Random(seed), PATIENCE_SECONDS)

    def present(self, payment: Payment, chance: random.Random, patience: float) -> None:
        """Asks with the same payment until the answer is final; a lost answer and a 503 are asked again."""
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            try:
                status = self.ask(payment, chance)
            except (OSError, web.Closed):
                status = 0
            payment.seen(status)
            if status in FINAL:
                return
            time.sleep(chance.uniform(0.05, 0.6))

    def strike(self) -> None:
        chance = random.Random(self.chance.random())
        while True:
            self.due.acquire()
            if self.over.is_set():
                return
            time.sleep(chance.uniform(0, 0.15))
            while not (ready := [one for one in self.victims if one.ready and one.weight]):
                if any(one.fault for one in self.victims):
                    return
                time.sleep(0.02)
            victim = chance.choices(ready, [one.weight for one in ready])[0]
            victim.kill(chance.uniform(0, 0.3))
            self.killed += 1


def crash_at_every_point(scene, payments: list[Payment], points) -> int:
    """The next few payments for each point, in a process that ends itself there; the payers ask on after the storm."""
    gate = scene.gates[0]
    for n, payment in enumerate(payments):
        gate.stop()
        gate.start(TURNPIKE_CRASH_AT=points[n * len(points) // len(payments)])
        try:
            payment.seen(gate.ask(payment.path, payment.headers, timeout=20).status)
        except (OSError, web.Closed):
            payment.seen(0)
        # A locked token passes by some points; then a batch of the treasury's may reach them.
        deadline = time.monotonic() + 2
        while gate.running and time.monotonic() < deadline:
            time.sleep(0.02)
        gate.kill()
        gate.start()
    return len(payments)
