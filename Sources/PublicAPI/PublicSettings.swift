package import Gate

/// What the public listener must be told.
package struct PublicSettings: Sendable {
  /// Where a client's address comes from.
  package enum ClientSource: Sendable {
    /// The TCP connection: nothing stands in front.
    case peer
    /// `X-Real-IP`, which a proxy in front overwrites.
    case realIP
  }

  package var version: String
  /// How buyers reach this listener: scheme and authority, such as `https://pay.example`. Nil: as they called it.
  package var publicURL: String?
  package var clientSource = ClientSource.peer
  /// Invoices that one client may order: each asks a mint.
  package var invoiceLimit = RequestLimit(requests: 10, per: .seconds(60))
  /// Facts of each scheme that hold whatever the price (its mints, our key, its networks), for `/v1/offers`.
  package var methods: [Challenge.Member] = []
  package var workloads = Workloads()

  /// What is told of machines that routes sell.
  package struct Workloads: Sendable {
    /// Sizes, for `/v1/offers`.
    package var kinds: [MachineKind] = []
    /// In answers of the Paygress face: the cluster's, or a name of that form.
    package var namespace = "user-workloads"
    /// Who sends it as `Authorization: Bearer` may list, read and end every machine; nil for nobody. A secret.
    package var adminSecret: String?
    /// How long an answer waits for a machine's port and host key.
    package var patience: Duration = .seconds(20)

    package init() {}
  }

  /// The size of a kind of machine, as buyers are told it.
  package struct MachineKind: Sendable {
    package var name: WorkloadSpecName
    package var milliCPU: UInt32
    package var memoryBytes: UInt64
    package var diskBytes: UInt64
    package var processes: UInt32
    package var images: [String]
    package var username: String
    /// `none` or `outbound`.
    package var network: String

    package init(
      name: WorkloadSpecName, milliCPU: UInt32, memoryBytes: UInt64, diskBytes: UInt64, processes: UInt32,
      images: [String], username: String, network: String
    ) {
      self.name = name
      self.milliCPU = milliCPU
      self.memoryBytes = memoryBytes
      self.diskBytes = diskBytes
      self.processes = processes
      self.images = images
      self.username = username
      self.network = network
    }
  }

  package init(version: String) { self.version = version }
}

/// Where Lightning invoices come from.
package protocol InvoiceSource: Sendable {
  /// An invoice for the least that `quote` takes, durable when the call returns.
  func open(for quote: Quote) async throws(Outage) -> Invoice

  /// By our id, which only its buyer knows.
  func invoice(_ id: String) async throws(Outage) -> Invoice?
}
