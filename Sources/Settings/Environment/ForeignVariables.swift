/// Variables that belong to programs Turnpike replaces, and slips in our own.
enum ForeignVariables {
  /// `BIND_ADDR` of Paygress: the buyers' API.
  static let publicListen = "BIND_ADDR"
  /// Of CARTA's sidecar.
  static let logLevel = "LOG_LEVEL"

  private static let sessions = [
    "TARGET_NAMESPACE", "CACHE_TTL_SECONDS", "SESSION_LABEL_KEY", "USER_LABEL_KEY",
  ]
  private static let replaced: [(name: String, reason: String)] = [
    ("CASHU_DB_PATH", "what was redeemed is in the ledger; set `store` and `keys`"),
    ("WHITELISTED_MINTS", "list the mints under `payments.cashu.mints`"),
    ("HTTP_BIND_ADDR", "set `listen.public`"),
    ("PAYGRESS_MODE", "`paygress.proxy` turns the Paygress face on"),
    ("DEFAULT_POD_DURATION_MINUTES", "what was paid says how long; Paygress never used it either"),
    ("SSH_PORT", "the port of a pod is its image's affair; set `workloads.ports` for those of buyers"),
    ("ENABLE_CLEANUP_TASK", "a machine always ends when its time does"),
    ("ENABLE_POD_PROVISIONING", "routes with `provision` sell machines"),
    ("DEFAULT_POD_IMAGE", "set `workloads.images`"),
    ("BASE_IMAGE", "set `workloads.images`"),
    ("POD_SPECS_FILE", "write the kinds of machines under `workloads.specs`"),
  ]

  static func warn(
    of surroundings: Surroundings, _ workloads: WorkloadsConfiguration?, _ findings: Findings
  ) {
    let ofWorkloads =
      workloads == nil ? WorkloadsReader.variables.filter { surroundings.value($0) != nil } : []
    if !ofWorkloads.isEmpty {
      let location = Location(path: ofWorkloads.joined(separator: ", "), line: nil)
      findings.warn("ignored: no machines are sold; write `workloads: { backend: local }`", at: location)
    }
    for (names, what) in [(self.sessions, "session routes")] {
      let found = names.filter { surroundings.value($0) != nil }
      guard !found.isEmpty else { continue }
      let location = Location(path: found.joined(separator: ", "), line: nil)
      findings.warn("ignored: \(what) are not in this release", at: location)
    }
    if surroundings.value("PAYMENT_RATE_SATS_PER_HOUR") == nil,
      surroundings.value("MINIMUM_POD_DURATION_SECONDS") != nil
    {
      findings.warn(
        "ignored: it is the minimum of `PAYMENT_RATE_SATS_PER_HOUR`, which is not set; set `minimum` beside a rate",
        at: Location(path: "MINIMUM_POD_DURATION_SECONDS", line: nil))
    }
    for (name, reason) in self.replaced where surroundings.value(name) != nil {
      findings.warn("ignored: \(reason)", at: Location(path: name, line: nil))
    }
    self.warnOfSlips(surroundings, findings)
  }

  /// Not every other name is a slip: Kubernetes puts `TURNPIKE_PORT`, `TURNPIKE_SERVICE_HOST` and more into the
  /// environment of every container beside a service called `turnpike`.
  private static func warnOfSlips(_ surroundings: Surroundings, _ findings: Findings) {
    let ours = Set(Variable.allCases.map(\.rawValue))
    for name in surroundings.environment.keys.sorted()
    where name.hasPrefix("TURNPIKE_") && !ours.contains(name) {
      let near = ours.sorted().first { Spelling.distance(Array(name.utf8), Array($0.utf8)) <= 2 }
      guard let near else { continue }
      findings.warn("ignored: unknown; did you mean `\(near)`?", at: Location(path: name, line: nil))
    }
  }
}
