extension ServerConfiguration {
  /// The keys that differ from `running` and that a reload cannot change; empty when the reload is complete.
  ///
  /// Routes, `default` and `log.level` are taken over at once. Listeners hold sockets, the verifiers hold mints, and
  /// the ledger its file: those wait for a restart.
  package func keysThatNeedRestart(since running: ServerConfiguration) -> [String] {
    var keys: [String] = []
    if self.listeners != running.listeners { keys.append("listen, tls") }
    if self.keysDirectory != running.keysDirectory { keys.append("keys") }
    if self.store != running.store { keys.append("store") }
    if self.deadline != running.deadline { keys.append("deadline") }
    if self.callers != running.callers { keys.append("proxies, trust") }
    if self.nginx != running.nginx { keys.append("nginx") }
    if self.paygress != running.paygress { keys.append("paygress") }
    if self.cashu != running.cashu { keys.append("payments.cashu") }
    if self.x402 != running.x402 { keys.append("payments.x402") }
    if self.workloads != running.workloads { keys.append("workloads") }
    if self.publicAPI != running.publicAPI { keys.append("public") }
    if self.log.format != running.log.format { keys.append("log.format") }
    return keys
  }
}
