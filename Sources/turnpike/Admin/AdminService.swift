internal import Octets
internal import Telemetry
internal import Transport

/// The `admin` listener: `/livez`, `/readyz` and `/metrics`, and nothing else.
struct AdminService: HTTPService {
  let readiness: Readiness
  let metrics: ServerMetrics

  /// Probes send no body.
  private static let maxBodyBytes = 4096
  private static let plain = "text/plain; charset=utf-8"

  func intake(for request: HTTPRequest) -> Intake { .whole(maxBytes: Self.maxBodyBytes) }

  func respond(to request: HTTPRequest) -> Reply<HTTPResponse> {
    let path = request.target.prefix { $0 != ASCII.question }
    let page: Page
    switch String(decoding: path, as: UTF8.self) {
    case "/livez": page = .alive
    case "/readyz": page = .ready(isVerbose: Self.asksVerbose(request.target.dropFirst(path.count)))
    case "/metrics": page = .metrics
    default: return .now(Self.answer(404, "not found\n"))
    }
    guard request.method.elementsEqual("GET".utf8) || request.method.elementsEqual("HEAD".utf8) else {
      return .now(Self.answer(404, "not found\n"))
    }
    switch page {
    case .alive: return .now(Self.answer(200, "ok\n"))
    case .ready(let isVerbose): return .now(self.ready(isVerbose: isVerbose))
    case .metrics:
      return .later { [metrics, readiness] in
        await metrics.refresh(from: readiness.ledger)
        return Self.answer(200, metrics.registry.exposition(), type: MetricsRegistry.contentType)
      }
    }
  }

  private enum Page {
    case alive
    case ready(isVerbose: Bool)
    case metrics
  }

  /// 200 exactly when the process can decide; payments and store are told, and change nothing.
  private func ready(isVerbose: Bool) -> HTTPResponse {
    let status: UInt16 = self.readiness.isServing(.decide) ? 200 : 503
    guard isVerbose else { return Self.answer(status, status == 200 ? "ok\n" : "not ready\n") }
    var lines = self.readiness.parts.map { Self.line($0.rawValue, self.readiness.isServing($0)) }
    lines += self.readiness.counterparts.map(Self.line)
    return Self.answer(status, lines.joined(separator: "\n") + "\n")
  }

  /// As Kubernetes' own endpoints write it.
  private static func line(_ name: String, _ isGood: Bool) -> String {
    isGood ? "[+] \(name) ok" : "[-] \(name) out"
  }

  private static func line(_ report: CounterpartReport) -> String {
    let name = "\(report.kind.rawValue) \(report.name)"
    switch report.state {
    case .ready: return self.line(name, true)
    case .notHeard: return self.line(name, false)
    case .lacks(let what): return self.line(name, false) + ": lacks " + what.joined(separator: ", ")
    case .unfit(let reason): return self.line(name, false) + ": " + reason
    }
  }

  private static func asksVerbose(_ query: some Collection<UInt8>) -> Bool {
    String(decoding: query.dropFirst(), as: UTF8.self).split(separator: "&").contains {
      $0 == "verbose" || $0.hasPrefix("verbose=")
    }
  }

  private static func answer(_ status: UInt16, _ text: String) -> HTTPResponse {
    self.answer(status, Array(text.utf8), type: self.plain)
  }

  private static func answer(_ status: UInt16, _ body: [UInt8], type: String) -> HTTPResponse {
    var fields = FieldList()
    fields.append("content-type", type.utf8)
    fields.append("cache-control", "no-store".utf8)
    return HTTPResponse(status: status, fields: fields, body: body)
  }
}
