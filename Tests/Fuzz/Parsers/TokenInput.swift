@testable internal import Cashu
internal import Octets

/// A token in its three forms; the inner ones are reached without the base64 that hides them from a mutator.
enum TokenInput {
  static func readText(_ bytes: [UInt8]) {
    guard let token = try? TokenReader.read(bytes) else { return }
    self.readAgain(token)
  }

  static func readCBOR(_ bytes: [UInt8]) {
    guard let token = try? TokenReader.readRaw(Array("crawB".utf8) + bytes) else { return }
    self.readAgain(token)
  }

  static func readJSON(_ bytes: [UInt8]) {
    guard let token = try? TokenV3.read(bytes) else { return }
    self.readAgain(token)
  }

  /// What was accepted can be sent on, and is then the same money.
  private static func readAgain(_ token: UnverifiedToken) {
    if let text = TokenWriter.writeV4(token), text.utf8.count <= TokenReader.maxTokenBytes {
      self.expect(Array(text.utf8), toHold: token, "V4")
    }
    let text = TokenWriter.writeV3(token)
    if text.utf8.count <= TokenReader.maxTokenBytes { self.expect(Array(text.utf8), toHold: token, "V3") }
  }

  private static func expect(_ text: [UInt8], toHold token: UnverifiedToken, _ form: String) {
    guard let again = try? TokenReader.read(text) else { preconditionFailure("its own \(form) is refused") }
    precondition(again.proofCount == token.proofCount, "\(form) holds other proofs")
    let amounts = [again, token].map { $0.entries.flatMap { $0.proofs.map(\.amount) }.sorted() }
    precondition(amounts[0] == amounts[1], "\(form) holds other money")
  }
}
