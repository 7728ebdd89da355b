import Octets
import Synchronization

@testable import Transport

/// Answers by path; what the transport's tests talk to.
struct ScriptedService: HTTPService {
  let deliveries = Deliveries()
  var maxBodyBytes = 1000

  func intake(for request: HTTPRequest) -> Intake {
    switch String(decoding: request.target, as: UTF8.self) {
    case "/stream-echo":
      return .stream { stream in
        do throws(HTTPStreamError) {
          try stream.respond(status: 200)
          while let part = try await stream.read() { try await stream.write(part) }
          stream.finish()
        } catch {
          self.deliveries.note(failure: error)
        }
      }
    case "/stream-collect":
      return .stream { stream in
        do throws(HTTPStreamError) {
          let body = try await stream.collect(max: 100)
          try stream.respond(status: 200)
          try await stream.write(Array("\(body.count)".utf8))
          stream.finish()
        } catch {
          self.deliveries.note(failure: error)
        }
      }
    case "/stream-large":
      return .stream { stream in
        do throws(HTTPStreamError) {
          try stream.respond(status: 200)
          for _ in 0..<64 { try await stream.write([UInt8](repeating: 0x61, count: 16 * 1024)) }
          stream.finish()
        } catch {
          self.deliveries.note(failure: error)
        }
      }
    case "/stream-nothing": return .stream { _ in }
    case "/stream-cut":
      return .stream { stream in
        try? stream.respond(status: 200)
        try? await stream.write(Array("half".utf8))
      }
    default: return .whole(maxBytes: self.maxBodyBytes)
    }
  }

  func respond(to request: HTTPRequest) -> Reply<HTTPResponse> {
    let method = String(decoding: request.method, as: UTF8.self)
    let target = String(decoding: request.target, as: UTF8.self)
    let deliveries = self.deliveries
    switch target {
    case "/later":
      return .later { HTTPResponse(status: 200, body: Array("later".utf8), onDelivery: deliveries.note) }
    case "/gate":
      return .later {
        await deliveries.waitForGate()
        return HTTPResponse(status: 200, body: Array("gate".utf8), onDelivery: deliveries.note)
      }
    case "/marked":
      return .now(HTTPResponse(status: 200, body: Array("marked".utf8), onDelivery: deliveries.note))
    case "/invalid":
      var fields = FieldList()
      fields.append("x-bad", "a\r\nset-cookie: b".utf8)
      return .now(HTTPResponse(status: 200, fields: fields, body: Array("bad".utf8)))
    case "/empty": return .now(HTTPResponse(status: 204))
    case "/large":
      return .now(HTTPResponse(status: 200, body: [UInt8](repeating: 0x62, count: 4 * 1024 * 1024)))
    case "/peer":
      return .now(
        HTTPResponse(status: 200, body: Array((request.peer.tls?.names ?? []).joined(separator: " ").utf8)))
    default:
      var fields = FieldList()
      fields.append("x-method", method.utf8)
      if case .once(let authority) = request.authority { fields.append("x-authority", authority) }
      return .now(
        HTTPResponse(status: 200, fields: fields, body: Array("\(target) \(request.body.count)".utf8)))
    }
  }
}

/// What happened to answers, and a gate that holds one back.
final class Deliveries: Sendable {
  private struct State {
    var all: [Delivery] = []
    var failures: [HTTPStreamError] = []
    var isOpen = false
    var waiting: [CheckedContinuation<Void, Never>] = []
  }

  private let state = Mutex(State())

  var all: [Delivery] { self.state.withLock { $0.all } }
  var failures: [HTTPStreamError] { self.state.withLock { $0.failures } }
  var waitingCount: Int { self.state.withLock { $0.waiting.count } }

  func note(_ delivery: Delivery) { self.state.withLock { $0.all.append(delivery) } }
  func note(failure: HTTPStreamError) { self.state.withLock { $0.failures.append(failure) } }

  func waitForGate() async {
    await withCheckedContinuation { continuation in
      let isOpen = self.state.withLock { state in
        if !state.isOpen { state.waiting.append(continuation) }
        return state.isOpen
      }
      if isOpen { continuation.resume() }
    }
  }

  func openGate() {
    let waiting = self.state.withLock { state in
      state.isOpen = true
      defer { state.waiting = [] }
      return state.waiting
    }
    for continuation in waiting { continuation.resume() }
  }
}
