internal import JSON

/// What the API server checks of a Job (batch `validation`).
enum JobRules {
  static func problem(_ job: JSON) -> String? {
    guard Names.isSubdomain(job.name), job.name.utf8.count <= 63 else {
      return "metadata.name: must be no more than 63 characters"
    }
    guard let spec = job["spec"], let template = spec["template"] else {
      return "spec.template: Required value"
    }
    for name in [
      "activeDeadlineSeconds", "backoffLimit", "completions", "parallelism", "ttlSecondsAfterFinished",
    ] {
      guard let value = spec[name] else { continue }
      guard let seconds = value.seconds, seconds >= 0,
        seconds <= Int64(Int32.max) || name == "activeDeadlineSeconds"
      else { return "spec.\(name): must be greater than or equal to 0" }
    }
    guard ["Never", "OnFailure"].contains(template.at("spec", "restartPolicy")?.string) else {
      return "spec.template.spec.restartPolicy: Required value: valid values: \"OnFailure\", \"Never\""
    }
    return Names.problem(metadata: template["metadata"]).map { "spec.template.\($0)" }
      ?? PodRules.problem(spec: template["spec"]).map { "spec.template.\($0)" }
  }

  /// `ValidateJobUpdate`: the template, completions and selector never change; the deadline may.
  static func problem(update former: JSON, to next: JSON) -> String? {
    for name in ["template", "completions", "selector"] where former.at("spec", name) != next.at("spec", name)
    {
      return "spec.\(name): Invalid value: field is immutable"
    }
    return nil
  }
}
