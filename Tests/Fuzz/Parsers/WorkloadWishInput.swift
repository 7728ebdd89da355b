internal import Gate
internal import Provisioner

/// What a buyer names himself: each ends up in a command line or a file of his machine, so it has one
/// spelling and no character that means something there.
enum WorkloadWishInput {
  static func readPodName(_ bytes: [UInt8]) {
    let text = String(decoding: bytes, as: UTF8.self)
    guard let id = WorkloadID(podName: text) else { return }
    precondition(Array(id.podName.utf8) == bytes, "a machine with two names")
    precondition(WorkloadID(id.text) == id, "its own id is refused")
  }

  static func readAuthorizedKey(_ bytes: [UInt8]) {
    guard let key = AuthorizedKey(String(decoding: bytes, as: UTF8.self)) else { return }
    precondition(key.text.utf8.allSatisfy { (0x20...0x7e).contains($0) }, "more than a line of text")
    precondition(key.text.split(separator: " ").count == 2, "options or a comment")
    precondition(AuthorizedKey(key.text) == key, "a key with two spellings")
  }

  static func readUsername(_ bytes: [UInt8]) {
    guard let name = Username(String(decoding: bytes, as: UTF8.self)) else { return }
    precondition(Array(name.text.utf8) == bytes, "another name than was asked for")
    precondition((1...Username.maxCharacters).contains(bytes.count), "a name without an end")
    precondition(
      name.text != "root" && bytes.first != UInt8(ascii: "-"), "a name that is an option or the system's")
    let special = Array(" /:.\n\"'$\\".utf8) + [0]
    precondition(
      !bytes.contains(where: special.contains), "a name that /etc/passwd or a shell reads differently")
  }
}
