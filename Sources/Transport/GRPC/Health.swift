private import Synchronization

/// What is serving, for `grpc.health.v1`; whoever knows sets it, callers check or watch it.
package final class HealthBoard: Sendable {
  private struct Watcher {
    var service: String
    var continuation: AsyncStream<ServingStatus>.Continuation
  }

  private struct State {
    var services: [String: Bool]
    var watchers: [UInt64: Watcher] = [:]
    var nextID: UInt64 = 0
    var isEnded = false
  }

  private let state: Mutex<State>

  /// Only services named here, or by `set` later, are known; `""` is the server as a whole.
  package init(_ services: [String: Bool]) { self.state = Mutex(State(services: services)) }

  package func set(_ service: String, serving: Bool) {
    self.state.withLock { state in
      state.services[service] = serving
      for watcher in state.watchers.values where watcher.service == service {
        watcher.continuation.yield(serving ? .serving : .notServing)
      }
    }
  }

  /// Ends every watch, so that a graceful stop need not wait for them; there are no new ones.
  package func endWatches() {
    let watchers = self.state.withLock { state in
      state.isEnded = true
      defer { state.watchers = [:] }
      return Array(state.watchers.values)
    }
    for watcher in watchers { watcher.continuation.finish() }
  }

  /// Nil for a service that is not known.
  package func isServing(_ service: String) -> Bool? { self.state.withLock { $0.services[service] } }

  /// The status now and at every change; a slow watcher sees only the newest.
  func statuses(of service: String) -> AsyncStream<ServingStatus> {
    AsyncStream(bufferingPolicy: .bufferingNewest(1)) { continuation in
      let id = self.state.withLock { state in
        let id = state.nextID
        state.nextID += 1
        state.watchers[id] = Watcher(service: service, continuation: continuation)
        continuation.yield(state.services[service].map { $0 ? .serving : .notServing } ?? .serviceUnknown)
        if state.isEnded {
          continuation.finish()
          state.watchers[id] = nil
        }
        return id
      }
      continuation.onTermination = { _ in self.state.withLock { $0.watchers[id] = nil } }
    }
  }
}

/// `HealthCheckResponse.ServingStatus`.
enum ServingStatus: UInt8, Sendable {
  case unknown = 0
  case serving = 1
  case notServing = 2
  case serviceUnknown = 3
}

/// `grpc.health.v1.Health` (https://github.com/grpc/grpc/blob/master/doc/health-checking.md).
package enum HealthService {
  package static func methods(_ board: HealthBoard) -> [String: GRPCMethod] {
    [
      "/grpc.health.v1.Health/Check": .unary { message in
        guard let service = HealthMessages.service(in: message.bytes) else {
          return .now(.status(GRPCStatus(.invalidArgument, "malformed HealthCheckRequest")))
        }
        guard let serving = board.isServing(service) else {
          return .now(.status(GRPCStatus(.notFound, "unknown service")))
        }
        return .now(.message(HealthMessages.response(serving ? .serving : .notServing)))
      },
      "/grpc.health.v1.Health/Watch": .serverStream { message, writer in
        guard let service = HealthMessages.service(in: message.bytes) else {
          return GRPCStatus(.invalidArgument, "malformed HealthCheckRequest")
        }
        var last: ServingStatus?
        for await status in board.statuses(of: service) where status != last {
          last = status
          do throws(HTTPStreamError) {
            try await writer.write(HealthMessages.response(status))
          } catch {
            return GRPCStatus(.cancelled)
          }
        }
        return GRPCStatus(.unavailable, "shutting down")
      },
    ]
  }
}

/// The two messages, one field each.
enum HealthMessages {
  /// `HealthCheckRequest.service` (field 1, a string; the last one counts); nil when malformed.
  static func service(in bytes: ArraySlice<UInt8>) -> String? {
    var service = ""
    var rest = bytes
    while !rest.isEmpty {
      guard let key = self.varint(&rest), key >> 3 != 0 else { return nil }
      switch key & 7 {
      case 0:
        guard self.varint(&rest) != nil else { return nil }
      case 1, 5:
        let size = key & 7 == 1 ? 8 : 4
        guard rest.count >= size else { return nil }
        rest.removeFirst(size)
      case 2:
        guard let length = self.varint(&rest), length <= UInt64(rest.count) else { return nil }
        let value = rest.prefix(Int(length))
        rest.removeFirst(value.count)
        if key >> 3 == 1 {
          guard let text = String(validating: value, as: UTF8.self) else { return nil }
          service = text
        }
      default: return nil
      }
    }
    return service
  }

  static func response(_ status: ServingStatus) -> [UInt8] { [0x08, status.rawValue] }

  private static func varint(_ bytes: inout ArraySlice<UInt8>) -> UInt64? {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 64, by: 7) {
      guard let byte = bytes.popFirst() else { return nil }
      value |= UInt64(byte & 0x7F) << shift
      if byte & 0x80 == 0 { return value }
    }
    return nil
  }
}
