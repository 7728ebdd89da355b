"""usage: evm_chain.py PORT TOKEN_HEX      (run by the Python that has py-evm)

One EVM chain behind Ethereum's JSON-RPC: chain id 84532, with the test dollar at Base Sepolia's USDC address. A block is
mined as soon as a transaction waits, or every two seconds without one; its time is the clock's, and may run ahead of it by
LEAD_SECONDS when blocks come fast. Beside eth_…, `test_mint(address, amount)` makes money, `test_hold(seconds)` lets
transactions wait unmined, `test_deaf(seconds)` answers every read with an error.
"""

import http.server
import json
import os
import pathlib
import sys
import threading
import time

from eth.chains.base import MiningChain
from eth.consensus import ConsensusApplier, NoProofConsensus
from eth.db import get_db_backend
from eth.exceptions import Revert
from eth.vm.forks.cancun import CancunVM
from eth.vm.spoof import SpoofTransaction
from eth_abi import decode, encode
from eth_keys import keys
from eth_utils import decode_hex, encode_hex, function_signature_to_4byte_selector, to_canonical_address
from eth_utils import to_checksum_address

CHAIN_ID = 84532
USDC = to_canonical_address("0x036CbD53842c5426634e7929541eC2318f3dCF7e")
RICH = keys.PrivateKey(bytes(31) + b"\x01")  # pays the gas of facilitators; a facilitator signs with it
BANK = keys.PrivateKey(bytes(31) + b"\x02")  # calls `mint`
GAS_LIMIT = 30_000_000
GAS_PRICE = 2_000_000_000
LEAD_SECONDS = 5
IDLE_SECONDS = 2
ERROR = bytes.fromhex("08c379a0")  # Error(string), ERC-838


class Fault(Exception):
    """A JSON-RPC error."""

    def __init__(self, message: str, code: int = -32000, data: str | None = None):
        super().__init__(message)
        self.answer = {"code": code, "message": message} | ({"data": data} if data else {})


class LocalChain(MiningChain):
    chain_id = CHAIN_ID
    vm_configuration = ConsensusApplier(NoProofConsensus).amend_vm_configuration(((0, CancunVM),))

    def create_header_from_parent(self, parent, **fields):
        return super().create_header_from_parent(parent, **{**fields, "gas_limit": parent.gas_limit})


def quantity(number: int) -> str:
    return hex(number)


class Node:
    """The chain, what waits to be mined, and an index of what was. One lock: py-evm is not for threads."""

    def __init__(self, code: bytes):
        account = {"balance": 10**30, "nonce": 0, "code": b"", "storage": {}}
        state = {key.public_key.to_canonical_address(): account for key in (RICH, BANK)}
        state[USDC] = {"balance": 0, "nonce": 1, "code": code, "storage": {}}
        genesis = {"gas_limit": GAS_LIMIT, "timestamp": int(time.time()) - 1, "difficulty": 0}
        self.chain = LocalChain.from_genesis(get_db_backend(), genesis, state)
        self.lock = threading.RLock()
        self.waiting: list = []
        self.receipts: dict[bytes, dict] = {}
        self.transactions: dict[bytes, dict] = {}
        self.logs: list[dict] = []
        self.held_until = self.deaf_until = 0.0
        self.writes = 0

    @property
    def head(self):
        return self.chain.get_canonical_head()

    def header(self, block):
        if block in ("latest", "pending", "safe", "finalized", None):
            return self.head
        number = 0 if block == "earliest" else int(block, 16)
        if number > self.head.block_number:
            raise Fault("header not found")
        return self.chain.get_canonical_block_header_by_number(number)

    def state(self, block="latest"):
        return self.chain.get_vm(self.header(block)).state

    # Mining

    def mine_for_ever(self) -> None:
        while True:
            time.sleep(0.02)
            with self.lock:
                now, last = time.time(), self.head.timestamp
                work = self.waiting and now >= self.held_until and last + 1 <= now + LEAD_SECONDS
                if work or (last + IDLE_SECONDS <= now and now >= self.held_until):
                    self.mine()

    def mine(self) -> None:
        parent = self.head
        self.chain.header = self.chain.header.copy(timestamp=max(parent.timestamp + 1, int(time.time())))
        done, left = [], []
        for transaction in sorted(self.waiting, key=lambda one: one.nonce):
            nonce = self.chain.get_vm(self.chain.header).state.get_nonce(transaction.sender)
            if transaction.nonce < nonce:
                continue
            if transaction.nonce > nonce:
                left.append(transaction)
                continue
            _, receipt, computation = self.chain.apply_transaction(transaction)
            done.append((transaction, receipt))
        block = self.chain.mine_block(mix_hash=os.urandom(32))
        self.waiting = left
        logs = 0
        for index, (transaction, receipt) in enumerate(done):
            self.index(block, index, logs, transaction, receipt)
            logs += len(receipt.logs)

    def index(self, block, index: int, first_log: int, transaction, receipt) -> None:
        place = {
            "blockHash": encode_hex(block.hash),
            "blockNumber": quantity(block.number),
            "transactionHash": encode_hex(transaction.hash),
            "transactionIndex": quantity(index),
        }
        logs = [
            {
                **place,
                "address": to_checksum_address(log.address),
                "topics": [encode_hex(topic.to_bytes(32, "big")) for topic in log.topics],
                "data": encode_hex(log.data),
                "logIndex": quantity(number),
                "removed": False,
            }
            for number, log in enumerate(receipt.logs, first_log)
        ]
        self.logs += logs
        self.writes += 1
        self.receipts[transaction.hash] = {
            **place,
            "from": to_checksum_address(transaction.sender),
            "to": to_checksum_address(transaction.to),
            "status": quantity(int(receipt.state_root == b"\x01")),
            "cumulativeGasUsed": quantity(receipt.gas_used),
            "gasUsed": quantity(receipt.gas_used),
            "effectiveGasPrice": quantity(GAS_PRICE),
            "contractAddress": None,
            "logs": logs,
            "logsBloom": "0x" + "00" * 256,
            "type": "0x0",
        }
        self.transactions[transaction.hash] |= place

    # eth_…

    def eth_chainId(self):
        return quantity(CHAIN_ID)

    def net_version(self):
        return str(CHAIN_ID)

    def web3_clientVersion(self):
        return "test-chain"

    def eth_blockNumber(self):
        return quantity(self.head.block_number)

    def eth_gasPrice(self):
        return quantity(GAS_PRICE)

    def eth_maxPriorityFeePerGas(self):
        return quantity(0)

    def eth_syncing(self):
        return False

    def eth_getBlockByNumber(self, block="latest", _whole=False):
        try:
            return self.block(self.header(block))
        except Fault:
            return None

    def block(self, header) -> dict:
        hashes = [
            one["transactionHash"]
            for one in self.receipts.values()
            if one["blockHash"] == encode_hex(header.hash)
        ]
        return {
            "number": quantity(header.block_number),
            "hash": encode_hex(header.hash),
            "parentHash": encode_hex(header.parent_hash),
            "timestamp": quantity(header.timestamp),
            "gasLimit": quantity(header.gas_limit),
            "gasUsed": quantity(header.gas_used),
            "baseFeePerGas": quantity(header.base_fee_per_gas),
            "extraData": encode_hex(header.extra_data),
            "miner": to_checksum_address(header.coinbase),
            "stateRoot": encode_hex(header.state_root),
            "transactionsRoot": encode_hex(header.transaction_root),
            "receiptsRoot": encode_hex(header.receipt_root),
            "logsBloom": "0x" + "00" * 256,
            "difficulty": "0x0",
            "nonce": "0x" + "00" * 8,
            "mixHash": "0x" + "00" * 32,
            "sha3Uncles": "0x" + "00" * 32,
            "size": "0x0",
            "uncles": [],
            "transactions": hashes,
        }

    def eth_getBalance(self, address, block="latest"):
        return quantity(self.state(block).get_balance(to_canonical_address(address)))

    def eth_getCode(self, address, block="latest"):
        return encode_hex(self.state(block).get_code(to_canonical_address(address)))

    def eth_getTransactionCount(self, address, block="latest"):
        who = to_canonical_address(address)
        mined = self.state().get_nonce(who)
        if block != "pending":
            return quantity(mined)
        # As real nodes count: what waits behind a gap is not pending.
        waiting = {one.nonce for one in self.waiting if one.sender == who}
        while mined in waiting:
            mined += 1
        return quantity(mined)

    def eth_call(self, call, block="latest"):
        header = self.header(block)
        computation = self.spoofed(call, header)
        if computation.is_error:
            raise self.revert(computation)
        return encode_hex(computation.output)

    def eth_estimateGas(self, call, block="latest"):
        self.eth_call(call, block)
        return quantity(300_000)

    def spoofed(self, call, header):
        vm = self.chain.get_vm(header)
        sender = to_canonical_address(call.get("from") or "0x" + "00" * 20)
        unsigned = self.chain.create_unsigned_transaction(
            nonce=vm.state.get_nonce(sender),
            gas_price=header.base_fee_per_gas,
            gas=10_000_000,
            to=to_canonical_address(call["to"]) if call.get("to") else b"",
            value=int(call.get("value") or "0x0", 16),
            data=decode_hex(call.get("data") or call.get("input") or "0x"),
        )
        with vm.in_costless_state() as state:
            return state.costless_execute_transaction(SpoofTransaction(unsigned, from_=sender))

    def revert(self, computation) -> Fault:
        data = computation.error.args[0] if isinstance(computation.error, Revert) else b""
        data = data if isinstance(data, bytes) else b""
        reason = decode(["string"], data[4:])[0] if data[:4] == ERROR else ""
        return Fault(f"execution reverted: {reason}".rstrip(": "), 3, encode_hex(data))

    def eth_sendRawTransaction(self, raw):
        builder = self.chain.get_vm().get_transaction_builder()
        transaction = builder.decode(decode_hex(raw))
        transaction.validate()
        return self.send(transaction)

    def send(self, transaction) -> str:
        if transaction.nonce < self.state().get_nonce(transaction.sender):
            raise Fault("nonce too low")
        if transaction.hash not in self.transactions:
            if any(
                (one.sender, one.nonce) == (transaction.sender, transaction.nonce) for one in self.waiting
            ):
                raise Fault("replacement transaction underpriced")
            self.waiting.append(transaction)
            self.transactions[transaction.hash] = {
                "hash": encode_hex(transaction.hash),
                "blockHash": None,
                "blockNumber": None,
                "transactionIndex": None,
                "from": to_checksum_address(transaction.sender),
                "to": to_checksum_address(transaction.to),
                "nonce": quantity(transaction.nonce),
                "gas": quantity(transaction.gas),
                "gasPrice": quantity(GAS_PRICE),
                "value": quantity(transaction.value),
                "input": encode_hex(transaction.data),
                "chainId": quantity(CHAIN_ID),
                "type": "0x0",
            }
        return encode_hex(transaction.hash)

    def eth_getTransactionReceipt(self, hash):
        return self.receipts.get(decode_hex(hash))

    def eth_getTransactionByHash(self, hash):
        return self.transactions.get(decode_hex(hash))

    def eth_getLogs(self, wanted):
        first = self.header(wanted.get("fromBlock", "latest")).block_number
        to = wanted.get("toBlock", "latest")
        last = self.head.block_number if to in ("latest", "pending") else int(to, 16)
        addresses = wanted.get("address") or []
        addresses = {one.lower() for one in ([addresses] if isinstance(addresses, str) else addresses)}
        topics = wanted.get("topics") or []

        def fits(log) -> bool:
            if not first <= int(log["blockNumber"], 16) <= last:
                return False
            if addresses and log["address"].lower() not in addresses:
                return False
            if len(topics) > len(log["topics"]):
                return False
            for want, have in zip(topics, log["topics"]):
                if want is not None and have not in {
                    one.lower() for one in ([want] if isinstance(want, str) else want)
                }:
                    return False
            return True

        return [log for log in self.logs if fits(log)]

    # test_…

    def test_mint(self, address, amount):
        data = function_signature_to_4byte_selector("mint(address,uint256)")
        data += encode(["address", "uint256"], [address, int(amount)])
        who = BANK.public_key.to_canonical_address()
        unsigned = self.chain.create_unsigned_transaction(
            nonce=int(self.eth_getTransactionCount(to_checksum_address(who), "pending"), 16),
            gas_price=GAS_PRICE,
            gas=200_000,
            to=USDC,
            value=0,
            data=data,
        )
        return self.send(unsigned.as_signed_transaction(BANK, chain_id=CHAIN_ID))

    def test_mintMany(self, addresses, amount):
        return [self.test_mint(address, amount) for address in addresses]

    def test_hold(self, seconds):
        self.held_until = time.time() + seconds
        return True

    def test_deaf(self, seconds):
        self.deaf_until = time.time() + seconds
        return True

    def test_writes(self):
        """How many transactions were mined, reverted ones too."""
        return self.writes

    def answer(self, request: dict) -> dict:
        reply = {"jsonrpc": "2.0", "id": request.get("id")}
        name, params = request.get("method", ""), request.get("params") or []
        verb = getattr(self, name, None) if name.startswith(("eth_", "net_", "web3_", "test_")) else None
        try:
            if verb is None:
                raise Fault(f"the method {name} does not exist", -32601)
            with self.lock:
                if name.startswith("eth_") and time.time() < self.deaf_until:
                    raise Fault("the node is resting")
                return reply | {"result": verb(*params)}
        except Fault as fault:
            return reply | {"error": fault.answer}
        except Exception as error:  # told to the caller
            return reply | {"error": {"code": -32000, "message": f"{type(error).__name__}: {error}"}}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
        many = isinstance(asked, list)
        answers = [self.server.node.answer(one) for one in (asked if many else [asked])]
        body = json.dumps(answers if many else answers[0]).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_) -> None:
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request, client_address) -> None:
        pass  # a caller that was killed


def main() -> None:
    port, code = sys.argv[1:]
    node = Node(decode_hex(pathlib.Path(code).read_text().strip()))
    threading.Thread(target=node.mine_for_ever, daemon=True).start()
    server = Server(("127.0.0.1", int(port)), Handler)
    server.node = node
    server.serve_forever()


main()
