internal import NIOSSL

/// How to reach one cluster and who we are there.
package struct ClusterAccess: Sendable {
  /// `https://host:port`, without a slash at its end.
  package var server: String
  package var trust: Trust
  /// Client certificate and key.
  package var identity: ClientIdentity?
  package var credential: Credential
  package var namespace: String

  package enum Trust: Sendable, Equatable {
    /// The system's authorities.
    case system
    /// These only, in PEM.
    case authorities([UInt8])
    /// Nobody is checked; only ever by the operator's own words.
    case unchecked
  }

  package struct ClientIdentity: Sendable, CustomStringConvertible {
    /// Chain and key in PEM.
    package var chain: [UInt8]
    package var key: [UInt8]

    package init(chain: [UInt8], key: [UInt8]) {
      self.chain = chain
      self.key = key
    }

    package var description: String { "<redacted>" }
  }

  package enum Credential: Sendable {
    case none
    case token(BearerToken)
    /// Read again once a minute: the kubelet replaces a service account's token before it ends.
    case tokenFile(String)
  }

  package init(
    server: String, trust: Trust, identity: ClientIdentity? = nil, credential: Credential, namespace: String
  ) {
    self.server = server
    self.trust = trust
    self.identity = identity
    self.credential = credential
    self.namespace = namespace
  }
}

package struct BearerToken: Sendable, Equatable, CustomStringConvertible {
  let text: String

  /// Nil for one that no header field could carry.
  package init?(_ text: String) {
    guard !text.isEmpty, text.utf8.allSatisfy({ 0x21...0x7E ~= $0 }) else { return nil }
    self.text = text
  }

  package var description: String { "<redacted>" }
}

/// Why no cluster can be reached with what there is: a sentence for the operator, without secrets.
package struct ClusterAccessFault: Error, Hashable, Sendable, CustomStringConvertible {
  package var sentence: String

  package init(_ sentence: String) { self.sentence = sentence }
  package var description: String { self.sentence }
}

extension ClusterAccess {
  func tlsConfiguration() throws(ClusterAccessFault) -> TLSConfiguration {
    var tls = TLSConfiguration.makeClientConfiguration()
    tls.minimumTLSVersion = .tlsv12
    switch self.trust {
    case .system: break
    case .authorities(let pem):
      do {
        tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(pem))
      } catch {
        throw ClusterAccessFault("the cluster's certificate authority is no PEM certificate")
      }
    case .unchecked: tls.certificateVerification = .none
    }
    if let identity = self.identity {
      do {
        let chain = try NIOSSLCertificate.fromPEMBytes(identity.chain)
        let key = try NIOSSLPrivateKey(bytes: identity.key, format: .pem)
        tls.certificateChain = chain.map { .certificate($0) }
        tls.privateKey = .privateKey(key)
      } catch {
        throw ClusterAccessFault("the client certificate or its key is no PEM")
      }
    }
    return tls
  }
}
