internal import Digest
internal import Octets
internal import Provisioner

/// `machine-secret`: the host keys of pods follow from it, 32 bytes in hexadecimal.
enum MachineSecretFile {
  private static let byteCount = 32

  static func fresh() -> String {
    """
    # Turnpike machine secret. Host keys of machines on a cluster follow from it. Secret.
    \(Hex.encode(RandomBytes.make(count: self.byteCount)))

    """
  }

  static func secret(in text: String) throws(KeysFault) -> HostKeySecret {
    let lines = text.split(whereSeparator: \.isNewline).filter { !$0.hasPrefix("#") && !$0.isEmpty }
    guard lines.count == 1, let bytes = Hex.decode(String(lines[0])), bytes.count == self.byteCount else {
      throw KeysFault(KeyFileName.machineSecret, "does not hold 32 bytes in hexadecimal")
    }
    return HostKeySecret(bytes)
  }
}
