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
    "parameters":[{"$ref":"#/components/parameters/Cashu"},{"name":"Turnpike-Pass","in":"header","schema":\
    {"type":"string"},"description":"The pass that the payment is added to"}],"requestBody":{"$ref":"#/components/requestBodies/Resource"},\
    "responses":{"200":{"description":"The pass, also in the header Turnpike-Pass","content":{"application/json":\
    {"schema":{"$ref":"#/components/schemas/Pass"}}}},"402":{"$ref":"#/components/responses/Refusal"},\
    "400":{"$ref":"#/components/responses/Refusal"},"409":{"$ref":"#/components/responses/Refusal"},\
    "415":{"$ref":"#/components/responses/Refusal"},"503":{"$ref":"#/components/responses/Refusal"}}}},
    "/v1/invoices":{"post":{"summary":"A Lightning invoice for a resource","requestBody":\
    {"$ref":"#/components/requestBodies/Resource"},"responses":{"400":{"$ref":"#/components/responses/Refusal"},\
    "403":{"$ref":"#/components/responses/Refusal"},"201":{"description":"The invoice","content":\
    {"application/json":{"schema":{"$ref":"#/components/schemas/Invoice"}}}},"303":{"description":\
    "For a browser: its page"},"404":{"$ref":"#/components/responses/Refusal"},\
    "415":{"$ref":"#/components/responses/Refusal"},"429":{"$ref":"#/components/responses/Refusal"},\
    "503":{"$ref":"#/components/responses/Refusal"}}}},
    "/v1/invoices/{id}":{"get":{"summary":"What became of an invoice, and its pass","parameters":\
    [{"$ref":"#/components/parameters/ID"}],"responses":{"200":{"description":"The invoice","content":\
    {"application/json":{"schema":{"$ref":"#/components/schemas/Invoice"}}}},\
    "404":{"$ref":"#/components/responses/Refusal"}}}},
    "/v1/payments/{id}":{"get":{"summary":"What became of a payment","parameters":\
    [{"$ref":"#/components/parameters/ID"}],"responses":{"200":{"description":"Its state and receipt","content":\
    {"application/json":{"schema":{"$ref":"#/components/schemas/Payment"}}}},\
    "404":{"$ref":"#/components/responses/Refusal"}}}},
    \(Self.workloadPaths)},
    "components":{
    "securitySchemes":{"pass":{"type":"http","scheme":"bearer","description":"The pass of a payment; or the admin's \
    secret"}},
    "parameters":{"ID":{"name":"id","in":"path","required":true,"schema":{"type":"string"}},\
    "Machine":{"name":"id","in":"path","required":true,"description":"Its `id` or its `pod`","schema":{"type":"string"}},\
    "Name":{"name":"name","in":"path","required":true,"description":"Its `pod_name`","schema":{"type":"string"}},\
    "Cashu":{"name":"X-Cashu","in":"header","description":"A token; another scheme's payment stands in its own header",\
    "schema":{"type":"string"}},\
    "Pass":{"name":"Turnpike-Pass","in":"header","description":"The pass of the payment that bought the machine; also as \
    Authorization: Bearer","schema":{"type":"string"}}},
    "requestBodies":{"Resource":{"required":true,"content":{"application/json":{"schema":\
    {"$ref":"#/components/schemas/Resource"}},"application/x-www-form-urlencoded":{"schema":\
    {"$ref":"#/components/schemas/Resource"}}}}},
    "responses":{"Workload":{"description":"The machine and how to log in","content":{"application/json":{"schema":\
    {"$ref":"#/components/schemas/Workload"}},"text/plain":{"schema":{"type":"string"}}}},\
    "Refusal":{"description":"Why not; `reason` is the code","content":{"application/json":{"schema":\
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
    \(Self.workloadSchemas),
    "Refusal":{"type":"object","required":["error","reason"],"properties":{"error":{"type":"string"},\
    "reason":{"type":"string"},"message":{"type":"string","description":"What to do, for people"},\
    "amount":{"type":"integer"},"unit":{"type":"string"},"payment":{"type":"string"}}}}}}

    """
  }

  /// By status: each is why not.
  private static func refusals(_ statuses: Int...) -> String {
    statuses.map { "\"\($0)\":{\"$ref\":\"#/components/responses/Refusal\"}" }.joined(separator: ",")
  }

  private static func parameters(_ names: String...) -> String {
    let references = names.map { "{\"$ref\":\"#/components/parameters/\($0)\"}" }
    return "\"parameters\":[\(references.joined(separator: ","))]"
  }

  /// Whose machine it is.
  private static let shown = #""security":[{"pass":[]},{}]"#

  private static let workload = ##"{"$ref":"#/components/responses/Workload"}"##

  private static let workloadPaths = """
    "/v1/workloads":{"post":{"summary":"A machine for a payment; the same payment gives the same machine and a new \
    password",\(Self.parameters("Cashu", "Pass")),"requestBody":{"content":{"application/json":{"schema":\
    {"$ref":"#/components/schemas/WorkloadWish"}}}},"responses":{"201":\(Self.workload),"200":\(Self.workload),\
    \(Self.refusals(400, 402, 404, 409, 410, 415, 429, 503))}},\
    "get":{"summary":"The caller's machine; all of them for the admin",\(Self.shown),\
    \(Self.parameters("Cashu", "Pass")),"responses":{"200":\
    {"description":"Machines, without passwords","content":{"application/json":{"schema":{"type":"object","properties":\
    {"workloads":{"type":"array","items":{"$ref":"#/components/schemas/Workload"}}}}}}},\
    \(Self.refusals(400, 401, 404, 409, 503))}}},
    "/v1/workloads/by-payment":{"get":{"summary":"The machine of the payment or pass that is shown, with a new \
    password",\(Self.shown),\(Self.parameters("Cashu", "Pass")),"responses":{"200":\(Self.workload),\
    \(Self.refusals(400, 401, 404, 409, 503))}}},
    "/v1/workloads/{id}":{"get":{"summary":"A machine; no password is told or changed",\(Self.shown),\
    \(Self.parameters("Machine", "Cashu", "Pass")),"responses":{"200":\(Self.workload),\
    \(Self.refusals(400, 401, 403, 404, 409, 503))}},"delete":{"summary":"Ends it now; unused time is credit for \
    another machine of the same payment",\(Self.shown),\(Self.parameters("Machine", "Cashu", "Pass")),\
    "responses":{"200":\(Self.workload),\(Self.refusals(400, 401, 403, 404, 409, 503))}}},
    "/v1/workloads/{id}/extend":{"post":{"summary":"A payment more, beside the pass, for the same machine",\
    "security":[{"pass":[]}],\(Self.parameters("Machine", "Cashu", "Pass")),"responses":{"200":\(Self.workload),\
    \(Self.refusals(400, 401, 402, 403, 404, 409, 410, 503))}}},
    "/spawn-pod":{"post":{"summary":"As Paygress: a machine for a Cashu token",\(Self.parameters("Cashu", "Pass")),\
    "requestBody":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Spawn"}}}},"responses":{\
    "201":{"description":"Made, or made before by this token","content":{"application/json":{"schema":\
    {"$ref":"#/components/schemas/Spawned"}}}},\(Self.refusals(400, 402, 404, 409, 410, 415, 429, 503))}}},
    "/pods":{"get":{"summary":"As Paygress: the caller's machine; all for the admin",\(Self.shown),\
    \(Self.parameters("Cashu", "Pass")),"responses":{"200":{"description":"Machines, without passwords","content":\
    {"application/json":{"schema":{"type":"array","items":{"$ref":"#/components/schemas/PodInfo"}}}}},\
    \(Self.refusals(400, 401, 404, 409, 503))}}},
    "/pods/{name}":{"get":{"summary":"As Paygress; no password is told or changed",\(Self.shown),\
    \(Self.parameters("Name", "Cashu", "Pass")),"responses":{"200":{"description":"The machine","content":\
    {"application/json":{"schema":{"$ref":"#/components/schemas/PodInfo"}}}},\
    \(Self.refusals(400, 401, 403, 404, 409, 503))}}},
    "/pods/{name}/port-forward":{"get":{"summary":"As Paygress: how to log in; no password is told or changed",\
    \(Self.shown),\(Self.parameters("Name", "Cashu", "Pass")),"responses":{"200":{"description":"Commands"},\
    \(Self.refusals(400, 401, 403, 404, 409, 503))}}}
    """

  private static let workloadSchemas = """
    "WorkloadWish":{"type":"object","additionalProperties":false,"properties":{"spec":{"type":"string"},"username":{"type":"string"},\
    "public_key":{"type":"string","description":"One line of authorized_keys without options"},\
    "image":{"type":"string"},"duration_minutes":{"type":"integer","minimum":1,"description":\
    "Ends after this, if that is within what was paid; the rest is kept as credit"}}},
    "Workload":{"type":"object","required":["id","pod","state","spec","expires","payment"],"properties":{\
    "id":{"type":"string"},"pod":{"type":"string"},"state":{"enum":["ordered","starting","ready","expiring","gone",\
    "failed"]},"spec":{"type":"string"},"host":{"type":"string"},"port":{"type":"integer"},"username":{"type":"string"},\
    "password":{"type":["string","null"]},"ssh":{"type":"string"},"known_hosts":{"type":"string"},\
    "fingerprint":{"type":"string"},"created_at":{"type":"string"},"expires":{"type":"integer"},\
    "expires_at":{"type":"string"},"duration_minutes":{"type":"integer"},"payment":{"type":"string"},\
    "pass":{"type":"string"},"extend":{"type":"string"},"reduced_isolation":{"type":"array","items":{"type":"string"}},\
    "credit_seconds":{"type":"integer"},"note":{"type":"string"}}},
    "Spawn":{"type":"object","properties":{"cashu_token":{"type":"string"},"pod_spec_id":{"type":"string"},\
    "pod_image":{"type":"string"},"ssh_username":{"type":"string"},\
    "duration_minutes":{"type":"integer","minimum":1}}},
    "Spawned":{"type":"object","properties":{"success":{"type":"boolean"},"message":{"type":"string"},\
    "pod_info":{"$ref":"#/components/schemas/PodInfo"}}},
    "PodInfo":{"type":"object","properties":{"pod_name":{"type":"string"},"namespace":{"type":"string"},\
    "created_at":{"type":"string"},"expires_at":{"type":"string"},"ssh_port":{"type":"integer"},\
    "ssh_username":{"type":"string"},"ssh_password":{"type":["string","null"]},"payment_amount_sats":{"type":"integer"},\
    "duration_minutes":{"type":"integer"},"node_port":{"type":["integer","null"]},"ssh_host":{"type":"string"},\
    "ssh_command":{"type":"string"},"known_hosts":{"type":"string"},"host_key_fingerprint":{"type":"string"},\
    "pass":{"type":"string"},"note":{"type":"string","description":"How to get a password, where none is told"}}}
    """
}
