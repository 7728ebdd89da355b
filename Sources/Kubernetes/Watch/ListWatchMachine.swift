/// Keeps a cache equal to the server's state: list once, then watch from there; go on after every
/// interruption, and list again only when the server has forgotten where we were (410).
///
/// Rules (kubernetes.io/docs/reference/using-api/api-concepts, "Efficient detection of changes"): a version
/// seen in an object, a bookmark or a list may be watched from; 410, as a status or as an event, ends that;
/// versions are opaque.
struct ListWatchMachine<Object: KubernetesObject>: Equatable {
  enum Step: Equatable {
    case list
    case watch(after: String)
  }

  /// What to do next, after so long.
  struct Next: Equatable {
    var step: Step
    var wait: Duration = .zero
  }

  enum Standing: Equatable {
    case unknown
    /// Listed, and a watch is open.
    case live
    /// Listed once; what happened since then is not known.
    case stale
  }

  private(set) var cache = ObjectCache<Object>()
  private(set) var standing = Standing.unknown
  private(set) var lastFault: KubernetesFault?
  private var version: String?
  private var backoff = Backoff()

  func start() -> Next { Next(step: .list) }

  mutating func listed(_ list: ObjectList<Object>) -> (changes: [CacheChange<Object>], next: Next) {
    self.version = list.resourceVersion
    self.lastFault = nil
    let changes = self.cache.replace(with: list.items)
    // Not before the first watch is open is the state live, but it is as fresh as a list can be.
    self.standing = .live
    return (changes, Next(step: .watch(after: list.resourceVersion)))
  }

  mutating func watching() {
    self.standing = .live
    self.lastFault = nil
  }

  /// Nil: read on.
  mutating func received(
    _ event: WatchEvent<Object>, fraction: Double
  ) -> (changes: [CacheChange<Object>], next: Next?) {
    switch event {
    case .added(let object), .modified(let object):
      self.progress(object.metadata.resourceVersion)
      return (self.cache.set(object), nil)
    case .deleted(let object):
      self.progress(object.metadata.resourceVersion)
      return (self.cache.remove(object), nil)
    case .bookmark(let version):
      self.progress(version)
      return ([], nil)
    case .failed(let fault): return ([], self.failed(fault, fraction: fraction))
    case .other: return ([], nil)
    }
  }

  /// The server ended the watch in good order. One that brought nothing counts as a failure, so that a server
  /// which ends each at once is not asked without a pause.
  mutating func ended(hadNews: Bool, fraction: Double) -> Next {
    if hadNews { return self.resume(after: .zero) }
    return self.resume(after: self.backoff.next(fraction: fraction))
  }

  mutating func failed(_ fault: KubernetesFault, fraction: Double) -> Next {
    self.standing = self.version == nil && self.standing == .unknown ? .unknown : .stale
    self.lastFault = fault
    switch fault {
    case .expired: self.version = nil
    // A member we cannot read, or a line too long: the same would come again from here.
    case .malformed: self.version = nil
    default: break
    }
    var floor: Duration?
    if case .throttled(let after, _) = fault { floor = after }
    return self.resume(after: self.backoff.next(fraction: fraction, atLeast: floor))
  }

  private func resume(after wait: Duration) -> Next {
    Next(step: self.version.map { .watch(after: $0) } ?? .list, wait: wait)
  }

  private mutating func progress(_ version: String?) {
    if let version { self.version = version }
    self.backoff.reset()
  }
}
