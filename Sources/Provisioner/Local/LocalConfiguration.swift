/// What is configured of machines on this host.
package struct LocalConfiguration: Hashable, Sendable {
  /// In lease rows: another one for each host, where several share a book.
  package var name: String
  /// Absolute; a folder for each machine is made in it. All folders above it must be searchable for others
  /// where the service is root; `workload-init` is copied into it where others cannot come to that.
  package var folder: String
  package var ports: ClosedRange<UInt16>
  /// Numeric, of one interface or of all; `::` is IPv4 too.
  package var address: String
  package var maxWorkloads: Int
  package var programs: LocalPrograms
  /// As root each machine runs as a host user of its own: this number and its port. None of them should be
  /// anybody's, in `/etc/subuid` neither.
  package var firstHostUser: UInt32

  package init(
    name: String = "local", folder: String, ports: ClosedRange<UInt16> = 22000...22999,
    address: String = "0.0.0.0",
    maxWorkloads: Int = 1000, programs: LocalPrograms = LocalPrograms(), firstHostUser: UInt32 = 200_000
  ) {
    self.name = name
    self.folder = folder
    self.ports = ports
    self.address = address
    self.maxWorkloads = maxWorkloads
    self.programs = programs
    self.firstHostUser = firstHostUser
  }
}
