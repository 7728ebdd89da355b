import Glibc
import JSON
import KubernetesDouble

/// The double of a cluster in a process of its own, for programs that are told of it by a kubeconfig.
///
/// usage: cluster-rig KUBECONFIG [nodeless]
///
/// Its pods run at once, and say who they are at their address; where it is nodeless, they wait for somebody who
/// runs them. It writes the kubeconfig when it can be asked. Then it takes orders, one JSON line each, and
/// answers each with `{"result": …}` or `{"error": …}`:
///
/// - `{"do": "down"}`, `{"do": "up"}`: nobody is answered; everybody is again.
/// - `{"do": "fault", "when": "create jobs", "fault": "down"}`: the next such request meets `down`, `drop` or
///   `dropAfterwards`.
/// - `{"do": "objects", "of": "jobs"}`: all of them, as they are.
/// - `{"do": "boot"}`: all pods that wait run and are ready.
/// - `{"do": "status", "of": "POD", "status": {…}}`: as a node would write it.
/// - `{"do": "count", "of": "create jobs"}`: how many such requests came.
@main
enum ClusterRig {
  static let token = "the-operator"

  static func main() async throws {
    let words = CommandLine.arguments.dropFirst()
    guard let kubeconfig = words.first, words.dropFirst().allSatisfy({ $0 == "nodeless" }) else { exit(2) }
    let isNodeless = words.count > 1
    let server = try await APIServerDouble.start(.tls)
    let address = "127.\(UInt8.random(in: 1...254)).\(UInt8.random(in: 0...255)).9"
    server.settings {
      $0.podAddress = address
      $0.bootsPods = !isNodeless
    }
    server.accept(tokens: [self.token])
    server.followTheWallClock()
    if !isNodeless { _ = try await PodListener.start(address: address) }
    try self.write(self.kubeconfig(of: server), to: kubeconfig)
    while let line = readLine() {
      print(String(decoding: JSONWriter.write(self.answer(to: line, server)), as: UTF8.self))
      fflush(nil)
    }
  }

  private static func answer(to line: String, _ server: APIServerDouble) -> JSON {
    guard let order = try? JSONReader.read(Array(line.utf8)), let word = order["do"]?.string else {
      return .record(["error": .string("no order")])
    }
    let subject = order["of"]?.string ?? ""
    switch word {
    case "down": server.takeDown()
    case "up": server.restore()
    case "fault":
      let faults = ["down": APIFault.down, "drop": .drop, "dropAfterwards": .dropAfterwards]
      guard let fault = order["fault"]?.string.flatMap({ faults[$0] }), let when = order["when"]?.string
      else {
        return .record(["error": .string("no fault of that name")])
      }
      server.fault(fault) { $0.summary == when }
    case "boot": server.bootPods()
    case "status": server.setStatus(.pods, subject, order["status"] ?? .object([]))
    case "objects":
      guard let resource = Resource(rawValue: subject) else {
        return .record(["error": .string("no kind of that name")])
      }
      return .record(["result": .array(server.objects(resource))])
    case "count":
      return .record(["result": .unsigned(UInt64(server.requests.count { $0.summary == subject }))])
    default: return .record(["error": .string("no order of that name")])
    }
    return .record(["result": .null])
  }

  private static func kubeconfig(of server: APIServerDouble) -> String {
    """
    apiVersion: v1
    kind: Config
    current-context: double
    contexts: [{name: double, context: {cluster: double, user: operator, namespace: default}}]
    users: [{name: operator, user: {token: \(self.token)}}]
    clusters:
      - name: double
        cluster:
          server: \(server.url)
          certificate-authority-data: \(TestCertificate.authorityData)
    """
  }

  private static func write(_ text: String, to path: String) throws {
    // Whole or not at all: who waits for it reads it at once.
    let draft = "\(path).new"
    let file = unsafe open(draft, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    let bytes = Array(text.utf8)
    guard file >= 0, unsafe Glibc.write(file, bytes, bytes.count) == bytes.count, close(file) == 0,
      unsafe rename(draft, path) == 0
    else { exit(1) }
  }
}
