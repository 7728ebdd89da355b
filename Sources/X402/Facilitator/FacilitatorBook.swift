internal import Outbound
internal import Synchronization

/// All configured facilitators, and what each was last heard to support.
final class FacilitatorBook: Sendable {
  /// As long as one was never heard, it is asked this often.
  static let failurePause: Duration = .seconds(2)

  let clients: [FacilitatorClient]
  private let accepts: [X402Configuration.Accept]
  private let versions: Set<X402Configuration.Version>
  private let heard: Mutex<[Int: Supported]>

  init(_ configuration: X402Configuration, transport: any OutboundTransport) {
    self.clients = configuration.facilitators.map { FacilitatorClient($0, transport: transport) }
    self.accepts = configuration.accepts
    self.versions = configuration.versions
    self.heard = Mutex([:])
  }

  /// Keeps `/supported` fresh until cancelled.
  func run(every interval: Duration) async {
    await withDiscardingTaskGroup { group in
      for index in self.clients.indices {
        group.addTask {
          while !Task.isCancelled {
            await self.refresh(index)
            try? await Task.sleep(for: self.supported(index) == nil ? Self.failurePause : interval)
          }
        }
      }
    }
  }

  /// A facilitator that stops answering keeps what it said: its calls will tell.
  func refresh(_ index: Int) async {
    guard let supported = await self.clients[index].supported() else { return }
    self.heard.withLock { $0[index] = supported }
  }

  func supported(_ index: Int) -> Supported? { self.heard.withLock { $0[index] } }

  /// Whom to ask, in order: who is configured for the network and has not been heard to lack it.
  func candidates(for network: Network, _ version: X402Configuration.Version) -> [Int] {
    self.clients.indices.filter { index in
      self.isConfigured(index, for: network) && self.supported(index)?.covers(network, version) ?? true
    }
  }

  func feePayer(on network: Network) -> String? {
    self.clients.indices.lazy.filter { self.isConfigured($0, for: network) }
      .compactMap { self.supported($0)?.feePayer(on: network) }.first
  }

  /// What the configuration promises and a facilitator does not do.
  func report(_ index: Int) -> FacilitatorReport {
    let client = self.clients[index]
    guard let supported = self.supported(index) else {
      return FacilitatorReport(url: client.facilitator.url, state: .notHeard)
    }
    var missing: [String] = []
    for network in Set(self.accepts.map(\.network)) where self.isConfigured(index, for: network) {
      for version in self.versions where !supported.covers(network, version) {
        // What V1 has no name for is not offered in it.
        if version == .v1, network.nameV1 == nil { continue }
        missing.append("exact on \(network) (x402 V\(version.rawValue))")
      }
    }
    return FacilitatorReport(
      url: client.facilitator.url, state: missing.isEmpty ? .ready : .lacks(missing.sorted()))
  }

  private func isConfigured(_ index: Int, for network: Network) -> Bool {
    self.clients[index].facilitator.networks?.contains(network) ?? true
  }
}
