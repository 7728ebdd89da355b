internal import Octets
internal import Transport

/// `/openapi.json`: this API, described.
enum OpenAPIResource {
  static func answer(version: String) -> HTTPResponse {
    var fields = FieldList()
    fields.append("content-type", "application/json".utf8)
    fields.append("access-control-allow-origin", "*".utf8)
    return HTTPResponse(status: 200, fields: fields, body: Array(self.text(version: version).utf8))
  }

  static func text(version: String) -> String {
    """
    {"openapi":"3.1.0","info":{"title":"Turnpike","version":"\(version)","description":"What buyers ask without a proxy \
    between. A payment is sent in the header of its scheme (X-Cashu, PAYMENT-SIGNATURE, X-PAYMENT), as at the proxy."},
    "paths":{
    "/healthz":{"get":{"summary":"The process answers","responses":{"200":{"description":"It does"}}}},
    "/v1/offers":{"get":{"summary":"Routes, prices, what they buy and how they are paid",\
    "description":"`payments` is told of the first \(OffersResource.maxPrices) different prices; a route's own 402 tells \
    of the others","responses":{"200":\
    {"description":"Offers","content":{"application/json":{"schema":{"$ref":"#/components/schemas/Offers"}}}}}}},
    "/v1/passes":{"post":{"summary":"A payment for a pass; the same payment gives the same pass again",\
    "parameters":[{"name":"Turnpike-Pass","in":"header","schema":{"type":"string"},"description":\
    "The pass that the payment is added to"}],"requestBody":{"$ref":"#/components/requestBodies/Resource"},\
    "responses":{"200":{"description":"The pass, also in the header Turnpike-Pass","content":{"application/json":\
    {"schema":{"$ref":"#/components/schemas/Pass"}}}},"402":{"$ref":"#/components/responses/Refusal"},\
    "400":{"$ref":"#/components/responses/Refusal"},"409":{"$ref":"#/components/responses/Refusal"},\
    "503":{"$ref":"#/components/responses/Refusal"}}}},
    "/v1/invoices":{"post":{"summary":"A Lightning invoice for a resource","requestBody":\
    {"$ref":"#/components/requestBodies/Resource"},"responses":{"400":{"$ref":"#/components/responses/Refusal"},\
    "403":{"$ref":"#/components/responses/Refusal"},"201":{"description":"The invoice","content":\
    {"application/json":{"schema":{"$ref":"#/components/schemas/Invoice"}}}},"303":{"description":\
    "For a browser: its page"},"404":{"$ref":"#/components/responses/Refusal"},\
    "429":{"$ref":"#/components/responses/Refusal"},"503":{"$ref":"#/components/responses/Refusal"}}}},
    "/v1/invoices/{id}":{"get":{"summary":"What became of an invoice, and its pass","parameters":\
    [{"$ref":"#/components/parameters/ID"}],"responses":{"200":{"description":"The invoice","content":\
    {"application/json":{"schema":{"$ref":"#/components/schemas/Invoice"}}}},\
    "404":{"$ref":"#/components/responses/Refusal"}}}},
    "/v1/payments/{id}":{"get":{"summary":"What became of a payment","parameters":\
    [{"$ref":"#/components/parameters/ID"}],"responses":{"200":{"description":"Its state and receipt","content":\
    {"application/json":{"schema":{"$ref":"#/components/schemas/Payment"}}}},\
    "404":{"$ref":"#/components/responses/Refusal"}}}}},
    "components":{
    "parameters":{"ID":{"name":"id","in":"path","required":true,"schema":{"type":"string"}}},
    "requestBodies":{"Resource":{"required":true,"content":{"application/json":{"schema":\
    {"$ref":"#/components/schemas/Resource"}},"application/x-www-form-urlencoded":{"schema":\
    {"$ref":"#/components/schemas/Resource"}}}}},
    "responses":{"Refusal":{"description":"Why not; `reason` is the code","content":{"application/json":{"schema":\
    {"$ref":"#/components/schemas/Refusal"}}}}},
    "schemas":{
    "Resource":{"type":"object","description":"What the pass is for: url with its host, or host and path","properties":{\
    "url":{"type":"string"},"host":{"type":"string"},"path":{"type":"string"},"method":{"type":"string",\
    "default":"GET"}}},
    "Remaining":{"type":"object","properties":{"uses":{"type":"integer"},"seconds":{"type":"integer"}}},
    "Pass":{"type":"object","required":["pass","header","payment","route","remaining"],"properties":{\
    "pass":{"type":"string"},"header":{"type":"string"},"payment":{"type":"string"},"route":{"type":"string"},\
    "host":{"type":"string"},"expires":{"type":"integer"},"remaining":{"$ref":"#/components/schemas/Remaining"}}},
    "Invoice":{"type":"object","required":["id","url","state","invoice","amount","unit","expires"],"properties":{\
    "id":{"type":"string"},"url":{"type":"string"},"state":{"enum":["open","settling","paid","over","expired"]},\
    "invoice":{"type":"string"},"amount":{"type":"integer"},"unit":{"type":"string"},"expires":{"type":"integer"},\
    "pass":{"$ref":"#/components/schemas/Pass"}}},
    "Payment":{"type":"object","required":["payment","state","method","amount","unit","route","created"],"properties":{\
    "payment":{"type":"string"},"state":{"type":"string"},"method":{"type":"string"},"amount":{"type":"integer"},\
    "unit":{"type":"string"},"route":{"type":"string"},"created":{"type":"integer"},"transaction":{"type":"string"},\
    "headers":{"type":"object"},"revoked":{"type":"boolean"},"expires":{"type":"integer"},\
    "remaining":{"$ref":"#/components/schemas/Remaining"}}},
    "Offers":{"type":"object","required":["service","version","passes","methods","routes"],"properties":{\
    "service":{"type":"string"},"version":{"type":"string"},"passes":{"type":"string"},"methods":{"type":"object"},\
    "routes":{"type":"array","items":{"type":"object"}},"truncated":{"type":"boolean"}}},
    "Refusal":{"type":"object","required":["error","reason"],"properties":{"error":{"type":"string"},\
    "reason":{"type":"string"},"amount":{"type":"integer"},"unit":{"type":"string"},"payment":{"type":"string"}}}}}}

    """
  }
}
