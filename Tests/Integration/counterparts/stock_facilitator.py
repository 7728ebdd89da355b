"""usage: stock_facilitator.py PORT CHAIN_URL      (run by the Python that has the x402 SDK)

The SDK's own facilitator, V1 and V2 exact on EVM, over a chain's JSON-RPC. It keeps nothing: it may be killed and started
again while the chain stays up.
"""

import sys

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool
from x402 import x402FacilitatorSync
from x402.mechanisms.evm.exact import register_exact_evm_facilitator
from x402.mechanisms.evm.signers import FacilitatorWeb3Signer
from x402.schemas import PaymentPayload, PaymentRequirements
from x402.schemas.v1 import PaymentPayloadV1, PaymentRequirementsV1

GAS_PAYER = "0x" + "00" * 31 + "01"  # the chain gives it money
CONFIRMATION_SECONDS = 20
KINDS = {1: (PaymentPayloadV1, PaymentRequirementsV1), 2: (PaymentPayload, PaymentRequirements)}

port, chain = sys.argv[1:]
signer = FacilitatorWeb3Signer(GAS_PAYER, chain, confirmation_timeout_seconds=CONFIRMATION_SECONDS)
facilitator = x402FacilitatorSync()
register_exact_evm_facilitator(facilitator, signer, networks="eip155:84532")
app = FastAPI()


async def asked(request: Request, verb, refusal: dict) -> JSONResponse:
    try:
        body = await request.json()
        payload, requirements = KINDS[body["x402Version"]]
        said = payload.model_validate(body["paymentPayload"])
        wanted = requirements.model_validate(body["paymentRequirements"])
    except Exception as error:
        return JSONResponse(refusal | {"errorMessage": str(error)[:300]}, 400)
    answer = await run_in_threadpool(verb, said, wanted)
    return JSONResponse(answer.model_dump(by_alias=True, exclude_none=True))


@app.post("/verify")
async def verify(request: Request):
    return await asked(request, facilitator.verify, {"isValid": False, "invalidReason": "invalid_payload"})


@app.post("/settle")
async def settle(request: Request):
    refusal = {"success": False, "errorReason": "invalid_payload", "transaction": "", "network": ""}
    return await asked(request, facilitator.settle, refusal)


@app.get("/supported")
async def supported():
    return JSONResponse(facilitator.get_supported().model_dump(by_alias=True, exclude_none=True))


uvicorn.run(app, host="127.0.0.1", port=int(port), log_level="warning")
