# pragma version ~=0.4.3
# A dollar for the tests: ERC-20 with EIP-3009, at the address and under the EIP-712 domain of Base Sepolia's USDC.
# Anyone may make money with `mint`, so this must never be put on a chain that matters.
# Compiled by scripts/setup.sh; evm_chain.py puts the code into its first block.

event Transfer:
    sender: indexed(address)
    receiver: indexed(address)
    value: uint256

event AuthorizationUsed:
    authorizer: indexed(address)
    nonce: indexed(bytes32)

event AuthorizationCanceled:
    authorizer: indexed(address)
    nonce: indexed(bytes32)

CHAIN: constant(uint256) = 84532
NAME: constant(String[4]) = "USDC"
VERSION: constant(String[1]) = "2"

DOMAIN: constant(bytes32) = keccak256(
    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
)
TRANSFER: constant(bytes32) = keccak256(
    "TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
)
RECEIVE: constant(bytes32) = keccak256(
    "ReceiveWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
)
CANCEL: constant(bytes32) = keccak256("CancelAuthorization(address authorizer,bytes32 nonce)")

decimals: public(constant(uint8)) = 6
balanceOf: public(HashMap[address, uint256])
totalSupply: public(uint256)
authorizationState: public(HashMap[address, HashMap[bytes32, bool]])


@external
@pure
def name() -> String[4]:
    return NAME


@external
@pure
def symbol() -> String[4]:
    return NAME


@external
@pure
def version() -> String[1]:
    return VERSION


@internal
@view
def _separator() -> bytes32:
    return keccak256(abi_encode(DOMAIN, keccak256(NAME), keccak256(VERSION), CHAIN, self))


@external
@view
def DOMAIN_SEPARATOR() -> bytes32:
    return self._separator()


@internal
@view
def _require_signed(signer: address, message: bytes32, v: uint8, r: bytes32, s: bytes32):
    digest: bytes32 = keccak256(concat(x"1901", self._separator(), message))
    found: address = ecrecover(digest, v, r, s)
    assert found != empty(address) and found == signer, "FiatTokenV2: invalid signature"


@internal
def _move(payer: address, payee: address, amount: uint256):
    assert self.balanceOf[payer] >= amount, "ERC20: transfer amount exceeds balance"
    self.balanceOf[payer] -= amount
    self.balanceOf[payee] += amount
    log Transfer(sender=payer, receiver=payee, value=amount)


@internal
def _use(
    kind: bytes32,
    payer: address,
    payee: address,
    amount: uint256,
    after: uint256,
    before: uint256,
    nonce: bytes32,
    v: uint8,
    r: bytes32,
    s: bytes32,
):
    assert block.timestamp > after, "FiatTokenV2: authorization is not yet valid"
    assert block.timestamp < before, "FiatTokenV2: authorization is expired"
    assert not self.authorizationState[payer][nonce], "FiatTokenV2: authorization is used or canceled"
    message: bytes32 = keccak256(abi_encode(kind, payer, payee, amount, after, before, nonce))
    self._require_signed(payer, message, v, r, s)
    self.authorizationState[payer][nonce] = True
    log AuthorizationUsed(authorizer=payer, nonce=nonce)
    self._move(payer, payee, amount)


@external
def transfer(payee: address, amount: uint256) -> bool:
    self._move(msg.sender, payee, amount)
    return True


@external
def transferWithAuthorization(
    payer: address,
    payee: address,
    amount: uint256,
    after: uint256,
    before: uint256,
    nonce: bytes32,
    v: uint8,
    r: bytes32,
    s: bytes32,
):
    self._use(TRANSFER, payer, payee, amount, after, before, nonce, v, r, s)


@external
def receiveWithAuthorization(
    payer: address,
    payee: address,
    amount: uint256,
    after: uint256,
    before: uint256,
    nonce: bytes32,
    v: uint8,
    r: bytes32,
    s: bytes32,
):
    assert payee == msg.sender, "FiatTokenV2: caller must be the payee"
    self._use(RECEIVE, payer, payee, amount, after, before, nonce, v, r, s)


@external
def cancelAuthorization(authorizer: address, nonce: bytes32, v: uint8, r: bytes32, s: bytes32):
    assert not self.authorizationState[authorizer][nonce], "FiatTokenV2: authorization is used or canceled"
    self._require_signed(authorizer, keccak256(abi_encode(CANCEL, authorizer, nonce)), v, r, s)
    self.authorizationState[authorizer][nonce] = True
    log AuthorizationCanceled(authorizer=authorizer, nonce=nonce)


@external
def mint(payee: address, amount: uint256):
    self.balanceOf[payee] += amount
    self.totalSupply += amount
    log Transfer(sender=empty(address), receiver=payee, value=amount)
