internal import Gate
internal import Synchronization

/// Tells those who wait for a lease that its row changed.
final class LeaseSignals: Sendable {
  private let bells = Mutex<(next: UInt64, of: [WorkloadID: [UInt64: Bell]])>((0, [:]))

  /// Rings at every change from now on; take it before you read what you wait for, and give it back.
  struct Ear: Sendable {
    let id: WorkloadID
    let number: UInt64
    let bell: Bell
  }

  func listen(to id: WorkloadID) -> Ear {
    self.bells.withLock { bells in
      bells.next += 1
      let ear = Ear(id: id, number: bells.next, bell: Bell())
      bells.of[id, default: [:]][ear.number] = ear.bell
      return ear
    }
  }

  func leave(_ ear: Ear) {
    self.bells.withLock { bells in
      bells.of[ear.id]?[ear.number] = nil
      if bells.of[ear.id]?.isEmpty == true { bells.of[ear.id] = nil }
    }
  }

  func changed(_ id: WorkloadID) {
    let bells = self.bells.withLock { $0.of[id].map { Array($0.values) } ?? [] }
    for bell in bells { bell.ring() }
  }
}
