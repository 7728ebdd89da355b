"""Listeners that are unix sockets: asked as a proxy on the same host asks, by HTTP/1, by gRPC, and by the real Envoy."""

import json
import os
import stat
import subprocess
import tempfile

import grpc
from counterparts.grpc_caller import CHECK, outcome, question
from counterparts.proxies import SECRET, Envoy
from counterparts.turnpike import dialect


def on_sockets(lone, stage):
    """A gate whose `proxy` and `grpc` are sockets; in a short folder, since a socket's path has 107 bytes."""
    folder = tempfile.mkdtemp(prefix="turnpike-")
    paths = {name: f"{folder}/{name}.sock" for name in ("proxy", "grpc")}
    listen = {name: f"unix:{path}" for name, path in paths.items()}
    return lone([stage.mint.url], listen=listen), paths


def curl(path: str, headers) -> tuple[int, dict]:
    words = [word for name, value in headers for word in ("-H", f"{name}: {value}")]
    done = subprocess.run(
        ["curl", "-sS", "-i", "--unix-socket", path, *words, "http://localhost/caddy"],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    head, _, body = done.stdout.partition("\n\n" if "\r" not in done.stdout else "\r\n\r\n")
    status = int(head.split()[1])
    return status, json.loads(body) if body.startswith("{") else {}


def test_http_and_grpc_work_on_unix_sockets(stage, lone):
    gate, paths = on_sockets(lone, stage)
    gate.start()
    assert all(stat.S_ISSOCK(os.stat(path).st_mode) for path in paths.values())
    free = dialect("/caddy", "GET", "/free/x", "localhost", SECRET)
    paid = dialect("/caddy", "GET", "/paid/x", "localhost", SECRET)
    token = stage.purse.token(10)
    assert curl(paths["proxy"], free)[0] == 200
    status, body = curl(paths["proxy"], paid)
    assert (status, body["reason"]) == (402, "payment_required")
    assert curl(paths["proxy"], [*paid, ("X-Cashu", token)])[0] == 200
    assert curl(paths["proxy"], [*paid, ("X-Cashu", token)])[0] == 402
    assert curl(paths["proxy"], dialect("/caddy", "GET", "/free/x", "localhost", None))[0] == 403

    from envoy.service.auth.v3 import external_auth_pb2

    with grpc.insecure_channel(f"unix:{paths['grpc']}") as channel:
        check = channel.unary_unary(CHECK, lambda data: data, external_auth_pb2.CheckResponse.FromString)
        asked = question("/free/x").SerializeToString()
        assert outcome(check(asked, timeout=10, metadata=[("turnpike-proxy", SECRET)])) == 200
        assert outcome(check(asked, timeout=10)) == 403

    assert gate.stop() == 0
    assert not any(os.path.exists(path) for path in paths.values()), "a stop leaves no socket file"


def test_a_socket_file_left_by_a_killed_process_is_no_obstacle(stage, lone):
    gate, paths = on_sockets(lone, stage)
    gate.start()
    gate.kill()
    assert os.path.exists(paths["proxy"])
    gate.start()
    assert curl(paths["proxy"], dialect("/caddy", "GET", "/free/x", "localhost", SECRET))[0] == 200
    assert gate.stop() == 0


def test_envoy_asks_over_a_pipe(stage, lone, tmp_path):
    gate, paths = on_sockets(lone, stage)
    gate.start()
    port = gate.ports["grpc"]
    proxy = Envoy(tmp_path / "envoy", stage.app.port, gate.ports["proxy"], port)
    # The example's cluster, with a pipe for its address.
    config = proxy.folder / "hardened.yaml"
    address = f"socket_address: {{address: 127.0.0.1, port_value: {port}}}"
    text = config.read_text()
    assert text.count(address) == 1
    config.write_text(text.replace(address, f"pipe: {{path: {paths['grpc']}}}"))
    proxy.start()
    try:
        assert proxy.fetch("/free/x").status == 200
        assert proxy.fetch("/paid/x").status == 402
        assert proxy.fetch("/paid/x", headers={"X-Cashu": stage.purse.token(10)}).status == 200
    finally:
        proxy.stop()
