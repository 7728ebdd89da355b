/// A message as a tree of text, to compare protobuf's text format with what protobuf-c decoded.
indirect enum Tree: Equatable {
  case scalar(String)
  case message([Member])

  struct Member: Equatable {
    var name: String
    var value: Tree
  }

  /// The members in an order of their own: a map has none on the wire.
  static func sorted(_ members: [Member]) -> Tree { .message(members.sorted { $0.sortKey < $1.sortKey }) }

  /// Bytes, one character for each.
  static func bytes(_ bytes: some Sequence<UInt8>) -> Tree {
    .scalar("\"" + String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) })) + "\"")
  }

  /// The member of that name, in every message that has it, left out: an opaque one.
  func without(_ names: Set<String>) -> Tree {
    guard case .message(let members) = self else { return self }
    return .message(
      members.filter { !names.contains($0.name) }.map {
        Member(name: $0.name, value: $0.value.without(names))
      })
  }
}

extension Tree.Member {
  fileprivate var sortKey: String {
    switch self.value {
    case .scalar(let text): "\(self.name): \(text)"
    case .message(let members): "\(self.name) { \(members.map(\.sortKey)) }"
    }
  }
}

/// Reads the part of protobuf's text format that the vectors use: nested messages, quoted texts, bare numbers.
struct TextProto {
  private var rest: Substring

  static func parse(_ text: String) -> Tree {
    var parser = TextProto(rest: Substring(text))
    return parser.message()
  }

  private mutating func message() -> Tree {
    var members: [Tree.Member] = []
    while let name = self.word(), name != "}" {
      self.skipSpace()
      if self.rest.first == "{" {
        self.rest.removeFirst()
        members.append(.init(name: name, value: self.message()))
      } else {
        self.rest.removeFirst()
        self.skipSpace()
        members.append(
          .init(name: name, value: self.rest.first == "\"" ? self.quoted() : .scalar(self.word() ?? "")))
      }
    }
    return .sorted(members)
  }

  private mutating func skipSpace() { self.rest = self.rest.drop(while: \.isWhitespace) }

  private mutating func word() -> String? {
    self.skipSpace()
    guard let first = self.rest.first else { return nil }
    let word =
      first == "}" ? self.rest.prefix(1) : self.rest.prefix { !$0.isWhitespace && $0 != ":" && $0 != "{" }
    self.rest = self.rest.dropFirst(word.count)
    return String(word)
  }

  private mutating func quoted() -> Tree {
    var bytes: [UInt8] = []
    var characters = self.rest.utf8.dropFirst()
    while let byte = characters.popFirst(), byte != UInt8(ascii: "\"") {
      guard byte == UInt8(ascii: "\\"), let escaped = characters.popFirst() else {
        bytes.append(byte)
        continue
      }
      switch escaped {
      case UInt8(ascii: "n"): bytes.append(10)
      case UInt8(ascii: "r"): bytes.append(13)
      case UInt8(ascii: "t"): bytes.append(9)
      case UInt8(ascii: "0")...UInt8(ascii: "3"):
        let digits = [escaped] + characters.prefix(2)
        characters = characters.dropFirst(2)
        bytes.append(digits.reduce(0) { $0 << 3 | ($1 - 0x30) })
      default: bytes.append(escaped)
      }
    }
    self.rest = Substring(characters)
    return .bytes(bytes)
  }
}
