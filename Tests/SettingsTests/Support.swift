import Settings
import Testing

/// Reads `yaml` with nothing around it but what is given.
func read(
  _ yaml: String, environment: [String: String] = [:], files: [String: String] = [:]
) throws(ConfigurationFault) -> ConfigurationReader.Outcome {
  let surroundings = Surroundings(environment: environment) { path throws(UnreadableFile) in
    guard let file = files[path] else { throw UnreadableFile(reason: "No such file or directory") }
    return Array(file.utf8)
  }
  return try ConfigurationReader.read(yaml, surroundings: surroundings)
}

/// What is said against `yaml`; a configuration that is taken is a failed test.
func problems(
  _ yaml: String, environment: [String: String] = [:], files: [String: String] = [:]
) -> [Problem] {
  do throws(ConfigurationFault) {
    _ = try read(yaml, environment: environment, files: files)
    Issue.record("the configuration was taken:\n\(yaml)")
    return []
  } catch {
    return error.problems
  }
}

/// A configuration that takes payments, with `routes` below it.
func withCashu(_ routes: String, unit: String = "sat") -> String {
  """
  payments:
    cashu: { unit: \(unit), mints: [{ url: "https://mint.example.com" }] }
  routes:
  \(routes)
  """
}
