package import Gate

/// One machine's life as one process sees it: from what the book says and the backend showed follows the next step.
///
/// A value without I/O. It decides by what *is*, not by what happened before, so that the way after a crash is the
/// ordinary way: a fresh value that reads the row goes on where the dead process stopped.
package struct LeaseMachine: Sendable {
  private let rules: LeaseRules
  private var lease: Lease
  private var start = Start()
  private var view = View()
  private var failing: (ask: Ask, attempts: Int, until: Timestamp)?
  private var isRemoved = false
  /// It lived while this value watched: what is left of it is ours to remove.
  private var livedHere = false

  /// The making of it, by this process.
  private struct Start {
    var since: Timestamp?
    /// Whether the backend has told this process its port: one that it told a dead process may be taken since.
    var isPrepared = false
    /// Other machines' ports, as the book said last.
    var taken: Set<UInt16> = []
    /// Why it will fail; first what may exist of it is removed.
    var verdict: String?
    var lastFault: String?
    /// Another's row, and since when it stands still.
    var foreign: (version: UInt32, since: Timestamp)?
  }

  /// What the backend showed.
  private struct View {
    /// Of this pass; nil before its look.
    var sighting: Sighting?
    var looks = 0
    var absentSince: Timestamp?
    /// Why it ended by itself.
    var death: String?
  }

  package init(_ lease: Lease, rules: LeaseRules) {
    self.lease = lease
    self.rules = rules
  }

  /// The next step, after what has just happened.
  package mutating func receive(_ event: Event, _ circumstances: Circumstances) -> Action {
    let now = circumstances.now
    switch event {
    case .row(let lease):
      self.view.sighting = nil
      self.take(lease)
    case .written(let lease): self.take(lease)
    case .fault(let fault, let ask): self.note(fault, during: ask, at: now)
    case .sighted(let sighting):
      self.succeeded(.look)
      self.note(sighting, at: now)
    case .told(let end):
      self.succeeded(.setEnd(end))
      return .write(.told(end: end))
    case .prepared(let prepared):
      self.succeeded(.prepare(besides: []))
      self.start.isPrepared = true
      if prepared.port == self.lease.port, prepared.hostKey == self.lease.hostKey { break }
      return .write(.prepared(port: prepared.port, hostKey: prepared.hostKey))
    case .portsTaken(let ports):
      self.start.isPrepared = false
      self.start.taken = ports
    case .started(let handle):
      self.succeeded(nil)
      return .write(.started(handle: handle))
    case .credentialsSet: self.succeeded(.setCredentials)
    case .removed:
      self.succeeded(.remove)
      self.isRemoved = true
    }
    let action = self.step(circumstances)
    // A backend that did not answer is left alone for a while; the book is not.
    if case .ask = action, let until = self.failing?.until, now < until { return self.rest(until: until) }
    return action
  }

  // MARK: What follows from the row

  private mutating func step(_ circumstances: Circumstances) -> Action {
    switch self.lease.state {
    case .gone, .failed:
      return self.livedHere && !self.isRemoved ? .ask(.remove) : .forget
    case .expiring:
      return self.isRemoved ? .write(.gone) : .ask(.remove)
    case .ordered, .starting, .ready:
      break
    }
    if self.lease.revoked == .revoked {
      return .write(.expiring(.none, note: "its payment was revoked"))
    }
    switch (self.lease.state, circumstances.holder) {
    case (.ordered, _): return .write(.began(by: circumstances.owner))
    case (.starting, .ours): return self.make(circumstances)
    case (.starting, .nobody), (.starting, .dead): return .write(.began(by: circumstances.owner))
    case (.starting, .other): return self.watch(circumstances)
    default: return self.keep(circumstances)
    }
  }

  /// `starting`, by us.
  private mutating func make(_ circumstances: Circumstances) -> Action {
    let now = circumstances.now
    let since = self.start.since ?? now
    self.start.since = since
    if self.start.verdict == nil, now - since >= self.rules.startPatience {
      self.start.verdict = self.start.lastFault ?? "it did not start in time"
    }
    if let verdict = self.start.verdict ?? self.view.death {
      // Whoever orders again gets another machine: this one must not run beside it.
      return self.isRemoved ? .write(.failed(note: verdict)) : .ask(.remove)
    }
    guard self.lease.handle != nil else {
      guard self.lease.port != nil, self.start.isPrepared else {
        return .ask(.prepare(besides: self.start.taken))
      }
      return .ask(.start(end: self.lease.stop + (now - self.lease.ordered) + self.rules.bootAllowance))
    }
    if circumstances.drawer == .filled { return .ask(.setCredentials) }
    switch self.view.sighting {
    case nil: return .ask(.look)
    case .ready: return .write(.ready)
    case .starting, .absent, .ended:
      return .rest(until: min(now + self.rules.look(self.view.looks), since + self.rules.startPatience))
    }
  }

  /// `starting`, by another process that lives.
  private mutating func watch(_ circumstances: Circumstances) -> Action {
    let now = circumstances.now
    if let foreign = self.start.foreign, foreign.version == self.lease.version {
      if now - foreign.since >= self.rules.idleOwner { return .write(.began(by: circumstances.owner)) }
    } else {
      self.start.foreign = (self.lease.version, now)
    }
    guard circumstances.drawer == .filled else { return .rest(until: nil) }
    // The owner made it without the password that came to us.
    return self.lease.handle != nil ? .ask(.setCredentials) : .rest(until: now + self.rules.longestLook)
  }

  /// `ready`: any process may do this, for each step of it does no harm when done twice.
  private func keep(_ circumstances: Circumstances) -> Action {
    let now = circumstances.now
    let stop = self.lease.stop
    if now >= stop { return .write(self.lease.expiry) }
    if let death = self.view.death {
      return .write(stop - now <= self.rules.endTolerance ? self.lease.expiry : .failed(note: death))
    }
    guard self.view.sighting != nil else { return .ask(.look) }
    if let since = self.view.absentSince { return self.rest(until: since + self.rules.absence) }
    if self.lease.toldEnd != stop { return .ask(.setEnd(stop)) }
    if circumstances.drawer == .filled { return .ask(.setCredentials) }
    return .rest(until: stop)
  }

  /// No longer than until something is to be done about the row itself.
  private func rest(until moment: Timestamp) -> Action {
    switch self.lease.state {
    case .ready: .rest(until: min(moment, self.lease.stop))
    case .starting: .rest(until: min(moment, (self.start.since ?? moment) + self.rules.startPatience))
    default: .rest(until: moment)
    }
  }

  // MARK: What is remembered

  private mutating func take(_ lease: Lease) {
    if lease.state != self.lease.state || lease.owner != self.lease.owner {
      self.failing = nil
      self.start = Start()
      if lease.state == .starting {
        self.view = View()
        self.isRemoved = false
      }
    }
    self.lease = lease
    self.livedHere = self.livedHere || lease.state.isLive
  }

  private mutating func note(_ sighting: Sighting, at now: Timestamp) {
    self.view.sighting = sighting
    self.view.looks += 1
    guard sighting == .absent else {
      self.view.absentSince = nil
      if case .ended(let reason) = sighting { self.view.death = reason }
      return
    }
    let since = self.view.absentSince ?? now
    self.view.absentSince = since
    if now - since >= self.rules.absence { self.view.death = "its processes are gone" }
  }

  private mutating func note(_ fault: BackendFault, during ask: Ask, at now: Timestamp) {
    let attempts = 1 + (self.failing.flatMap { $0.ask.isLike(ask) ? $0.attempts : nil } ?? 0)
    let pause: Duration
    switch (fault, ask) {
    case (.refused(let reason), .prepare), (.refused(let reason), .start):
      self.start.verdict = reason
      self.failing = nil
      return
    case (.refused, _): pause = self.rules.longestPause
    case (.unavailable(let reason), _):
      self.start.lastFault = reason
      if case .start = ask { self.start.isPrepared = false }
      pause = self.rules.pause(attempts)
    }
    self.failing = (ask, attempts, now + pause)
    guard ask == .remove else { return }
    // Nothing ran yet, or nobody waits: what may be left is found by the inventory.
    if !self.lease.state.isLive || self.lease.state == .starting && self.lease.port == nil {
      self.isRemoved = true
      self.failing = nil
    }
  }

  private mutating func succeeded(_ ask: Ask?) {
    if let ask, let failing = self.failing, !failing.ask.isLike(ask) { return }
    self.failing = nil
  }
}
