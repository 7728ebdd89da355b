"""The decision log: an operator can say which request was let through for which payment, and learns no secret."""

import json

from counterparts.grpc_caller import GRPCCaller, outcome
from counterparts.proxies import SECRET


def test_each_paid_request_is_in_the_log_with_its_own_id_and_its_payments(stage, lone, purse):
    gate = lone([stage.mint.url], log={"format": "json", "level": "debug"}).start()
    token, hour = purse.token(10), purse.token(100)
    passes = []
    with GRPCCaller(gate.ports["grpc"], SECRET) as caller:
        for id, target, offer, status in (
            ("1001", "/paid/x", token, 200),
            ("1002", "/paid/x", token, 402),
            ("1003", "/hour/x", hour, 200),
            ("1004", "/paid/x", hour, 409),
            ("1005", "/paid/x", None, 402),
        ):
            headers = {"x-cashu": offer} if offer else {}
            headers |= {
                "x-request-id": "the client's own",
                "authorization": "Bearer mine",
                "cookie": "a=secretcookie",
            }
            answer = caller.check(target, headers=headers, id=id)
            assert outcome(answer) == status
            passes += [
                added.header.value
                for added in answer.ok_response.response_headers_to_add
                if added.header.key == "turnpike-pass"
            ]
    asked = [("X-Cashu", purse.token(10)), ("Turnpike-Request", "0123456789abcdef0123456789abcdef")]
    assert gate.ask("/paid/x", asked, endpoint="/nginx/accel").status == 200
    rows = {row["id"] for row in gate.ledger()}
    assert len(rows) == 3
    assert gate.stop() == 0
    lines = [json.loads(line) for line in gate.log.splitlines() if line.startswith("{")]
    found = {line["request"]: line for line in lines if "request" in line}
    assert list(found) == ["1001", "1002", "1003", "1004", "1005", "0123456789abcdef0123456789abcdef"]
    assert {found[id]["payment"] for id in ("1001", "1003", "0123456789abcdef0123456789abcdef")} == rows
    assert found["1004"]["payment"] == found["1003"]["payment"]
    assert (found["1002"]["reason"], found["1005"]["reason"]) == ("spent", "payment_required")
    assert passes and all(passes)
    for secret in (token, hour, asked[0][1], token[6:60], SECRET, *passes):
        assert secret not in gate.log
    for claim in ("Bearer mine", "secretcookie", "the client's own"):
        assert claim not in gate.log
