internal import JSON
internal import Transport

/// `/healthz`: the process answers.
enum HealthResource {
  static func answer(version: String) -> HTTPResponse {
    PublicAnswer.json(
      200,
      .record([
        "status": .string("healthy"), "service": .string("turnpike"), "version": .string(version),
      ]))
  }
}
