package import Gate

/// What runs without a live lease, and since when it was seen to: removed only when it is old enough, for a row or its
/// backup may be on its way.
package struct Orphans: Sendable {
  private let grace: Duration
  private var firstSeen: [WorkloadID: Timestamp] = [:]

  package init(grace: Duration) { self.grace = grace }

  /// Those to be looked up one by one and removed.
  package mutating func judge(_ inventory: [WorkloadID], live: Set<WorkloadID>, at now: Timestamp)
    -> [WorkloadID]
  {
    let strays = Set(inventory).subtracting(live)
    self.firstSeen = self.firstSeen.filter { strays.contains($0.key) }
    for id in strays where self.firstSeen[id] == nil { self.firstSeen[id] = now }
    return self.firstSeen.filter { now - $0.value >= self.grace }.map(\.key)
  }
}
