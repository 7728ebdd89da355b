"""A child that answers orders: one JSON line in, one JSON line out."""

import json
import os
import pathlib
import signal
import subprocess
import threading


class Coprocess:
    """`ask(do="…", …)` is one order at a time; what the child cannot do is a RuntimeError with its words."""

    def __init__(self, name: str, command: list, folder: pathlib.Path, env: dict | None = None):
        self.name = name
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.lock = threading.Lock()
        self.errors = open(self.folder / f"{name}.log", "ab")
        self.child = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            env={**os.environ, **(env or {})},
            start_new_session=True,
        )

    def ask(self, **order):
        with self.lock:
            self.child.stdin.write(json.dumps(order) + "\n")
            self.child.stdin.flush()
            line = self.child.stdout.readline()
        if not line:
            log = (self.folder / f"{self.name}.log").read_text()
            raise RuntimeError(f"the {self.name} ended: {log[-3000:]}")
        answer = json.loads(line)
        if "error" in answer:
            raise RuntimeError(f"the {self.name} says: {answer['error']}")
        return answer["result"]

    def stop(self) -> None:
        self.child.stdin.close()
        try:
            self.child.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(self.child.pid, signal.SIGKILL)
            self.child.wait(5)
        self.errors.close()
