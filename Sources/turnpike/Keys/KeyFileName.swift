/// The files of the keys directory.
enum KeyFileName {
  static let passKeys = "pass-keys"
  static let treasurySeed = "treasury-seed"
  static let machineSecret = "machine-secret"
}
