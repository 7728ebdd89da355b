import Settings
import Testing

@Suite("Who may ask")
struct CallerTests {
  static let secret = "0123456789abcdef"

  @Test(
    "a listener that others can reach does not start without a word on who may ask",
    arguments: ["proxy", "grpc"])
  func exposed(listener: String) throws {
    let problem = try #require(problems("listen:\n  \(listener): 0.0.0.0:7000\n").first)
    #expect(problem.path == "listen.\(listener)")
    #expect(problem.line == 2)
    #expect(problem.message.contains("proxies:"))
    #expect(problem.message.contains("trust: network"))
  }

  @Test(
    "a local one does",
    arguments: ["127.0.0.1:7000", "\"[::1]:7000\"", "127.9.9.9:7000", "localhost:7000", "unix:/run/t"])
  func local(address: String) throws {
    let configuration = try read("listen: { proxy: \(address), grpc: off }").configuration
    #expect(configuration.callers == .local)
  }

  @Test("`public` and `admin` may be reached by others")
  func others() throws {
    _ = try read("listen: { public: 0.0.0.0:8081, admin: \"[::]:9090\" }")
  }

  @Test("`trust: network` starts it")
  func network() throws {
    let configuration = try read("listen: { proxy: 0.0.0.0:7000 }\ntrust: network\n").configuration
    #expect(configuration.callers == .network)
  }

  @Test("a secret, a file with one, and a network start it")
  func proxies() throws {
    let configuration = try read(
      """
      listen: { proxy: 0.0.0.0:7000 }
      proxies:
        - { secret: \(Self.secret) }
        - { secretFile: s }
        - { cidr: 10.0.0.0/8, secret: \(Self.secret) }
        - { cidr: "fd00::/8" }
      """, files: ["s": "fedcba9876543210\n"]
    ).configuration
    #expect(
      try configuration.callers
        == .proxies([
          TrustedProxy(secret: ProxySecret(Self.secret)),
          TrustedProxy(secret: ProxySecret("fedcba9876543210"), secretFile: "s"),
          TrustedProxy(secret: ProxySecret(Self.secret), network: "10.0.0.0/8"),
          TrustedProxy(network: "fd00::/8"),
        ]))
  }

  @Test("so does a secret in the environment, beside those of the file")
  func secretVariable() throws {
    let yaml = "listen: { proxy: 0.0.0.0:7000 }\n"
    let environment = ["TURNPIKE_PROXY_SECRET": Self.secret, "TURNPIKE_PROXY_SECRET_FILE": "s"]
    let configuration = try read(yaml, environment: environment, files: ["s": "fedcba9876543210"])
      .configuration
    guard case .proxies(let proxies) = configuration.callers else {
      Issue.record("nobody is named")
      return
    }
    #expect(proxies.count == 2)
    #expect(proxies.first?.secret?.reveal() == Self.secret)
  }

  @Test(
    "a proxy that could be anyone is refused",
    arguments: [
      ("[]", "proxies", "names nobody"),
      ("[{}]", "proxies[0]", "says nothing"),
      ("[{ secret: short }]", "proxies[0].secret", "16 bytes"),
      ("[{ secret: \"<redacted>\" }]", "proxies[0].secret", "turnpike check"),
      ("[{ secret: \"0123456789 abcdef\" }]", "proxies[0].secret", "visible ASCII"),
      ("[{ secretFile: nowhere }]", "proxies[0].secretFile", "cannot be read: No such file"),
      ("[{ cidr: 10.0.0.1/8 }]", "proxies[0].cidr", "bits behind its prefix"),
      ("[{ cidr: 10.0.0.0/33 }]", "proxies[0].cidr", "expected a network"),
      ("[{ cidr: all }]", "proxies[0].cidr", "expected a network"),
      ("[{ name: envoy }]", "proxies", "clientCA"),
      ("[{ sekret: x }]", "proxies[0].sekret", "did you mean `secret`?"),
    ])
  func refused(proxies: String, path: String, says: String) throws {
    let found = problems("proxies: \(proxies)\n")
    let problem = try #require(found.first { $0.path == path }, "\(found)")
    #expect(problem.line == 1)
    #expect(problem.message.contains(says), "\(problem.message)")
  }

  @Test("a name needs a listener that asks for certificates")
  func name() throws {
    let configuration = try read(
      """
      listen: { grpc: 0.0.0.0:9001 }
      tls: { grpc: { cert: c.pem, key: k.pem, clientCA: ca.pem } }
      proxies: [{ name: envoy.internal }]
      """, files: ["c.pem": "", "k.pem": "", "ca.pem": ""]
    ).configuration
    #expect(configuration.callers == .proxies([TrustedProxy(tlsName: "envoy.internal")]))
    #expect(
      configuration.listeners[.grpc]?.tls == TLSFiles(certificate: "c.pem", key: "k.pem", clientCA: "ca.pem"))
  }

  @Test(
    "a TLS section that cannot work is refused",
    arguments: [
      ("{ grpc: { cert: c.pem } }", "tls.grpc", "`key` is missing"),
      ("{ grpc: { cert: c.pem, key: none.pem } }", "tls.grpc.key", "cannot be read"),
      ("{ admin: { cert: c.pem, key: c.pem } }", "tls.admin", "is off"),
      ("{ gprc: {} }", "tls.gprc", "did you mean `grpc`?"),
    ])
  func tls(value: String, path: String, says: String) throws {
    let found = problems("listen: { admin: off }\ntls: \(value)\n", files: ["c.pem": ""])
    let problem = try #require(found.first { $0.path == path }, "\(found)")
    #expect(problem.line == 2)
    #expect(problem.message.contains(says))
  }

  @Test("`proxies` beside `trust: network` is refused: one of them would mean nothing")
  func both() throws {
    let found = problems("proxies: [{ cidr: 10.0.0.0/8 }]\ntrust: network\n")
    #expect(found.map(\.path) == ["trust"])
    #expect(found.map(\.line) == [2])
  }
}
