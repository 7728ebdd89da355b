/// What the kubelet puts into a pod that has a service account: token, authority and namespace as files, the
/// server's address as variables.
package enum InClusterAccess {
  package static let folder = "/var/run/secrets/kubernetes.io/serviceaccount"

  package static func find(
    environment: [String: String], folder: String = Self.folder
  ) throws(ClusterAccessFault) -> ClusterAccess {
    guard let host = environment["KUBERNETES_SERVICE_HOST"], !host.isEmpty,
      let port = environment["KUBERNETES_SERVICE_PORT"], UInt16(port) != nil
    else {
      throw ClusterAccessFault(
        "this process is in no pod (KUBERNETES_SERVICE_HOST and _PORT are not set); name a kubeconfig")
    }
    let authority = try AccessFile.read("\(folder)/ca.crt", maxBytes: 1 << 20)
    let namespace = AccessFile.trimmed(try AccessFile.read("\(folder)/namespace", maxBytes: 256))
    // Read once now, so that a pod without one is told at its start.
    _ = try AccessFile.read("\(folder)/token", maxBytes: 64 << 10)
    return ClusterAccess(
      server: "https://\(host.contains(":") ? "[\(host)]" : host):\(port)", trust: .authorities(authority),
      credential: .tokenFile("\(folder)/token"), namespace: namespace)
  }
}
