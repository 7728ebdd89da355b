internal import ExtAuthz
internal import Gate
internal import JSON

/// A machine as its owner is told of it: how to log in, until when, and what comes after.
struct WorkloadCard {
  var lease: Lease
  /// How we are reached; nil where a proxy stood between and nobody has said it.
  var origin: String?
  /// Nil where it is gone or failed.
  var access: WorkloadAccess?
  var pass: String?

  init(lease: Lease, origin: String?) {
    self.lease = lease
    self.origin = origin
  }

  /// Nil where this answer has set none: none is kept.
  var password: WorkloadPassword? {
    guard case .set(let password)? = self.access?.password else { return nil }
    return password
  }

  var path: String { "/v1/workloads/\(self.lease.id)" }

  /// For a shell: `ssh -p 22001 dev@host`.
  var command: String? { self.access.map { "ssh -p \($0.port) \($0.username)@\($0.host)" } }

  /// From its order to its end, rounded down.
  var minutes: UInt64 {
    UInt64(clamping: max(.zero, self.lease.stop - self.lease.ordered).components.seconds / 60)
  }

  var json: JSON {
    let isLive = self.lease.state.isLive
    return .record([
      "id": .string(self.lease.id.text),
      "pod": .string(self.lease.id.podName),
      "state": .string(self.lease.state.rawValue),
      "spec": .string(self.lease.spec.text),
      "host": self.access.map { .string($0.host) },
      "port": (self.access?.port ?? self.lease.port).map { .unsigned(UInt64($0)) },
      "username": self.access.map { .string($0.username) },
      "password": isLive ? self.password.map { .string($0.text) } ?? .null : nil,
      "ssh": self.command.map { .string($0) },
      "known_hosts": self.access.map { .string($0.knownHosts) },
      "fingerprint": self.access.map { .string($0.fingerprint) },
      "created_at": .string(self.lease.ordered.rfc3339),
      "expires": .unsigned(UInt64(clamping: self.lease.stop.seconds)),
      "expires_at": .string(self.lease.stop.rfc3339),
      "duration_minutes": .unsigned(self.minutes),
      "payment": .string(self.lease.payment.text),
      "pass": self.pass.map { .string($0) },
      "extend": isLive ? self.origin.map { .string($0 + self.path + "/extend") } : nil,
      "reduced_isolation": self.access.flatMap { access in
        access.reducedIsolation.isEmpty ? nil : .array(access.reducedIsolation.map { .string($0) })
      },
      "credit_seconds": isLive && self.lease.spare == .zero
        ? nil : .unsigned(UInt64(clamping: self.lease.spare.components.seconds)),
      "note": (isLive ? self.passwordNote : self.lease.note).map { .string($0) },
    ])
  }

  /// Who has lost it has not lost what he paid.
  static let passwordKept =
    "This machine keeps the password that it was made with. "
    + "End it to get another machine for the time that is left."

  /// Why none is shown to its payer.
  var passwordNote: String? {
    if case .refused? = self.access?.password { Self.passwordKept } else { nil }
  }

  private static let extending =
    "To stay longer, pay again at the same address and send your pass (header Turnpike-Pass) beside the payment."

  /// What its time beyond its end is good for.
  private var spareNote: String? {
    let seconds = self.lease.spare.components.seconds
    guard seconds > 0 else { return nil }
    return "\(seconds) s more are paid for: the same payment or pass gets another machine for them."
  }

  /// For a terminal.
  var text: String {
    guard let access = self.access, let command = self.command else {
      let name = "Your machine \(self.lease.id.podName)"
      let state = self.lease.state.isRunning ? "is being made" : "is gone"
      let reason = self.lease.state.isRunning ? nil : self.lease.note
      let lines = ["\(name) \(state)\(reason.map { ": \($0)" } ?? "").", self.spareNote].compactMap { $0 }
      return lines.joined(separator: "\n") + "\n"
    }
    var lines = [
      "Your machine \(self.lease.id.podName) is yours until \(self.lease.stop.rfc3339).", "",
      "  \(command)",
    ]
    if let password = self.password { lines.append("  password: \(password.text)") }
    if let note = self.passwordNote { lines += ["", note] }
    lines += [
      "", "Its key, for ~/.ssh/known_hosts:", "", "  \(access.knownHosts)", "  \(access.fingerprint)",
    ]
    if !access.reducedIsolation.isEmpty {
      lines += ["", "Not as shut off as it could be:"] + access.reducedIsolation.map { "  - \($0)" }
    }
    if let note = self.spareNote { lines += ["", note] }
    lines += ["", Self.extending]
    if let pass = self.pass { lines += ["", "  Turnpike-Pass: \(pass)"] }
    return lines.joined(separator: "\n") + "\n"
  }

  /// For a browser.
  var page: PageFrame {
    guard let access = self.access, let command = self.command else {
      return PageFrame(title: "Gone", body: "<h1>Gone</h1><p role=\"status\">The machine is gone.</p>")
    }
    var fields = [CopyField(id: "ssh", label: "In your terminal", text: command)]
    if let password = self.password {
      fields.append(CopyField(id: "password", label: "Password", text: password.text))
    }
    fields.append(
      CopyField(
        id: "known", label: "Its key, for ~/.ssh/known_hosts (\(access.fingerprint))", text: access.knownHosts
      ))
    var body =
      "<h1>Your machine</h1><p role=\"status\">It is yours until <time datetime=\"\(self.lease.stop.rfc3339)\">"
      + "\(self.lease.stop.rfc3339)</time>.</p>"
    if let note = self.passwordNote { body += "<p>\(HTML.escape(note))</p>" }
    for field in fields { body += "<section>\(field.html(image: ""))</section>" }
    if !access.reducedIsolation.isEmpty {
      body += "<p>Not as shut off as it could be:</p><ul>"
      for line in access.reducedIsolation { body += "<li>\(HTML.escape(line))</li>" }
      body += "</ul>"
    }
    body += "<p>\(HTML.escape(Self.extending))</p>"
    if let pass = self.pass {
      let field = CopyField(
        id: "pass", label: "Your pass. It ends your machine or prolongs it: keep it to yourself.", text: pass)
      body += "<section>\(field.html(image: ""))</section>"
    }
    return PageFrame(title: "Your machine", body: body)
  }
}
