import Glibc
import Kubernetes
import KubernetesDouble
import Octets
import Testing

@Suite("Access to a cluster") struct AccessTests {
  private static func kubeconfig(
    server: String = "https://127.0.0.1:6443", cluster: String = "", user: String
  ) -> String {
    """
    apiVersion: v1
    kind: Config
    current-context: main
    contexts:
    - name: main
      context: {cluster: c, user: u, namespace: machines}
    - name: other
      context: {cluster: c, user: u}
    clusters:
    - name: c
      cluster: {server: "\(server)"\(cluster)}
    users:
    - name: u
      user: {\(user)}
    """
  }

  private static func data(_ pem: String) -> String { Base64.encode(pem.utf8) }

  @Test("a kubeconfig with authority and token reaches a server over TLS")
  func token() async throws {
    let server = try await APIServerDouble.start(.tls)
    server.accept(tokens: ["sesame"])
    let text = Self.kubeconfig(
      server: server.url, cluster: ", certificate-authority-data: \(Self.data(TestCertificate.authority))",
      user: "token: sesame")
    let access = try Kubeconfig.read(text, folder: ".")
    #expect(access.namespace == "machines")
    let client = try KubernetesClient(access)
    #expect(try await client.list(Secret.self, in: "user-workloads").items.isEmpty)
    await client.shutdown()
    await server.stop()
  }

  @Test("a server that the authority did not sign is not spoken to")
  func foreignServer() async throws {
    let server = try await APIServerDouble.start(.tls)
    let text = Self.kubeconfig(
      server: server.url, cluster: ", certificate-authority-data: \(Self.data(TestCertificate.clientChain))",
      user: "token: sesame")
    let client = try KubernetesClient(try Kubeconfig.read(text, folder: "."))
    await #expect(throws: KubernetesFault.self) { try await client.list(Secret.self) }
    #expect(server.requests.isEmpty)
    await client.shutdown()
    await server.stop()
  }

  @Test("another context may be named; a namespace not given is `default`")
  func contexts() throws {
    let text = Self.kubeconfig(user: "token: t")
    #expect(try Kubeconfig.read(text, folder: ".", context: "other").namespace == "default")
    #expect(throws: ClusterAccessFault.self) { try Kubeconfig.read(text, folder: ".", context: "none") }
  }

  @Test("client certificates are read from the file and beside it")
  func identity() async throws {
    let inline =
      "client-certificate-data: \(Self.data(TestCertificate.clientChain)), client-key-data: \(Self.data(TestCertificate.clientKey))"
    let access = try Kubeconfig.read(Self.kubeconfig(user: inline), folder: ".")
    #expect(access.identity?.chain == Array(TestCertificate.clientChain.utf8))
    await (try KubernetesClient(access)).shutdown()
    let folder = try Folder()
    try folder.write("c.pem", TestCertificate.clientChain)
    try folder.write("k.pem", TestCertificate.clientKey)
    try folder.write("config", Self.kubeconfig(user: "client-certificate: c.pem, client-key: k.pem"))
    let other = try Kubeconfig.read(path: folder.path + "/config")
    #expect(other.identity?.key == Array(TestCertificate.clientKey.utf8))
    #expect(throws: ClusterAccessFault.self) {
      try Kubeconfig.read(Self.kubeconfig(user: "client-certificate: c.pem"), folder: folder.path)
    }
  }

  @Test(
    "what would change whom we trust or who we are is refused by name",
    arguments: [
      ("", "exec: {command: aws}", "exec"), ("", "auth-provider: {name: gcp}", "auth-provider"),
      ("", "username: a, password: b", "username"), ("", "as: admin, token: t", "as"),
      (", insecure-skip-tls-verify: true", "token: t", "insecure-skip-tls-verify"),
      (", proxy-url: \"http://x\"", "token: t", "proxy-url"),
      (", tls-server-name: x", "token: t", "tls-server-name"),
    ])
  func refused(_ cluster: String, _ user: String, _ word: String) {
    #expect {
      try Kubeconfig.read(Self.kubeconfig(cluster: cluster, user: user), folder: ".")
    } throws: {
      "\($0)".contains(word)
    }
  }

  @Test("an unchecked server is taken only when that is allowed explicitly, a clear one never")
  func unchecked() throws {
    let text = Self.kubeconfig(cluster: ", insecure-skip-tls-verify: true", user: "token: t")
    #expect(try Kubeconfig.read(text, folder: ".", allowsUncheckedServer: true).trust == .unchecked)
    #expect(throws: ClusterAccessFault.self) {
      try Kubeconfig.read(Self.kubeconfig(server: "http://127.0.0.1:1", user: "token: t"), folder: ".")
    }
  }

  @Test(
    "a faulty kubeconfig is refused without a word of its secrets",
    arguments: ["token: [sesame", "- sesame", ""])
  func faulty(_ text: String) {
    #expect {
      try Kubeconfig.read(text, folder: ".")
    } throws: {
      !"\($0)".contains("sesame")
    }
  }

  @Test("in a pod, its service account is used, and its token again when it was replaced")
  func inCluster() async throws {
    let server = try await APIServerDouble.start(.tls)
    let folder = try Folder()
    try folder.write("ca.crt", TestCertificate.authority)
    try folder.write("namespace", "user-workloads\n")
    try folder.write("token", "first\n")
    server.accept(tokens: ["first"])
    let access = try InClusterAccess.find(
      environment: ["KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": "\(server.port)"],
      folder: folder.path)
    let client = try KubernetesClient(access)
    #expect(try await client.list(Secret.self).items.isEmpty)
    try folder.write("token", "second")
    server.accept(tokens: ["second"])
    #expect(try await client.list(Secret.self).items.isEmpty)
    server.accept(tokens: ["third"])
    await #expect(throws: KubernetesFault.unauthorized) { try await client.list(Secret.self) }
    await client.shutdown()
    await server.stop()
  }

  @Test("outside a pod there is no service account")
  func outside() {
    #expect(throws: ClusterAccessFault.self) { try InClusterAccess.find(environment: [:]) }
  }
}

/// A folder that goes with it.
private final class Folder {
  let path: String

  init() throws {
    var template = Array("/tmp/turnpike-access-XXXXXX".utf8CString)
    guard unsafe mkdtemp(&template) != nil else { throw ClusterAccessFault("no folder for a test") }
    self.path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  func write(_ name: String, _ text: String) throws {
    let file = unsafe open("\(self.path)/\(name)", O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    try #require(file >= 0)
    defer { close(file) }
    let bytes = Array(text.utf8)
    try #require(unsafe Glibc.write(file, bytes, bytes.count) == bytes.count)
  }

  deinit {
    for name in ["ca.crt", "namespace", "token", "c.pem", "k.pem", "config"] {
      _ = unsafe unlink("\(self.path)/\(name)")
    }
    _ = unsafe rmdir(self.path)
  }
}
