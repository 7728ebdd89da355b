package import JSON

/// The Pod Security Standards "baseline" and "restricted", as published
/// (kubernetes.io/docs/concepts/security/ pod-security-standards), with the controls' own names; Linux pods
/// only.
package enum PodSecurity: String, Sendable {
  case privileged, baseline, restricted

  /// The controls that a pod breaks; empty when it may run.
  package func violations(of spec: JSON) -> [String] {
    switch self {
    case .privileged: []
    case .baseline: Self.baselineViolations(spec)
    case .restricted: Self.baselineViolations(spec) + Self.restrictedViolations(spec)
    }
  }

  private static let baselineCapabilities: Set<String> = [
    "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
  ]
  private static let baselineSysctls: Set<String> = [
    "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range", "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
  ]
  private static let restrictedVolumes: Set<String> = [
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected",
    "secret",
  ]

  private static func containers(_ spec: JSON) -> [JSON] {
    ["initContainers", "containers", "ephemeralContainers"].flatMap { spec[$0]?.array ?? [] }
  }

  private static func baselineViolations(_ spec: JSON) -> [String] {
    var broken: [String] = []
    for name in ["hostNetwork", "hostPID", "hostIPC"] where spec[name]?.bool == true {
      broken.append("host namespaces (\(name))")
    }
    let contexts = [spec["securityContext"]] + self.containers(spec).map { $0["securityContext"] }
    for context in contexts.compactMap({ $0 }) {
      if context["privileged"]?.bool == true { broken.append("privileged") }
      if context.at("windowsOptions", "hostProcess")?.bool == true { broken.append("hostProcess") }
      if context.at("seccompProfile", "type")?.string == "Unconfined" { broken.append("seccompProfile") }
      if context.at("appArmorProfile", "type")?.string == "Unconfined" { broken.append("appArmorProfile") }
      if let mount = context["procMount"]?.string, mount != "Default" { broken.append("procMount") }
      let selinux = context["seLinuxOptions"]
      if selinux?["user"] != nil || selinux?["role"] != nil { broken.append("seLinuxOptions") }
      let added = (context.at("capabilities", "add")?.array ?? []).compactMap(\.string)
      if !added.allSatisfy(self.baselineCapabilities.contains) { broken.append("non-default capabilities") }
    }
    for sysctl in spec.at("securityContext", "sysctls")?.array ?? []
    where !self.baselineSysctls.contains(sysctl["name"]?.string ?? "") {
      broken.append("forbidden sysctls")
    }
    for volume in spec["volumes"]?.array ?? [] where volume["hostPath"] != nil {
      broken.append("hostPath volumes")
    }
    for container in self.containers(spec) {
      for port in container["ports"]?.array ?? [] where (port["hostPort"]?.seconds ?? 0) != 0 {
        broken.append("hostPort")
      }
    }
    return broken
  }

  private static func restrictedViolations(_ spec: JSON) -> [String] {
    var broken: [String] = []
    for volume in spec["volumes"]?.array ?? [] {
      for member in volume.members ?? [] where member.name != "name" {
        if !self.restrictedVolumes.contains(member.name) { broken.append("restricted volume types") }
      }
    }
    let pod = spec["securityContext"]
    let profiles: Set<String> = ["RuntimeDefault", "Localhost"]
    if pod?["runAsUser"]?.seconds == 0 { broken.append("runAsUser=0") }
    for container in self.containers(spec) {
      let context = container["securityContext"]
      if context?["allowPrivilegeEscalation"]?.bool != false {
        broken.append("allowPrivilegeEscalation != false")
      }
      if (context?["runAsNonRoot"]?.bool ?? pod?["runAsNonRoot"]?.bool) != true {
        broken.append("runAsNonRoot != true")
      }
      if context?["runAsUser"]?.seconds == 0 { broken.append("runAsUser=0") }
      let profile = context?.at("seccompProfile", "type") ?? pod?.at("seccompProfile", "type")
      if !profiles.contains(profile?.string ?? "") { broken.append("seccompProfile") }
      let capabilities = context?["capabilities"]
      let dropped = (capabilities?["drop"]?.array ?? []).compactMap(\.string)
      let added = (capabilities?["add"]?.array ?? []).compactMap(\.string)
      if !dropped.contains("ALL") || !added.allSatisfy({ $0 == "NET_BIND_SERVICE" }) {
        broken.append("unrestricted capabilities")
      }
    }
    return broken
  }
}
