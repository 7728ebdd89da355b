internal import ArgumentParser
internal import Settings

/// A secret that a command is given: as it is, in a file, or (`-`) as a line of standard input; the last two keep it
/// out of lists of processes and of the shell's history.
enum SecretArgument {
  /// - Parameters:
  ///   - prefix: what every such secret begins with.
  ///   - noun: what it is, for people.
  static func read(_ argument: String, beginning prefix: String, _ noun: String) throws -> String {
    let text: String
    if argument == "-" {
      text = readLine(strippingNewline: true) ?? ""
    } else if argument.hasPrefix(prefix) {
      text = argument
    } else {
      do throws(UnreadableFile) {
        let bytes = try SmallFile.read(argument).bytes
        text = String(decoding: bytes.prefix { $0 != 0x0A && $0 != 0x0D }, as: UTF8.self)
      } catch {
        // Not the argument: it may be a secret that was mistyped.
        throw ValidationError("the \(noun) begins with `\(prefix)`, and no file of that name can be read")
      }
    }
    guard text.hasPrefix(prefix) else { throw ValidationError("the \(noun) begins with `\(prefix)`") }
    return text
  }
}
