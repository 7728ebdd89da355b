/// Writes JSON without white space, members in their order: the same value always gives the same bytes.
package enum JSONWriter {
  package static func write(_ value: JSON) -> [UInt8] {
    var out: [UInt8] = []
    self.append(value, to: &out)
    return out
  }

  private static func append(_ value: JSON, to out: inout [UInt8]) {
    switch value {
    case .null: out += "null".utf8
    case .bool(let flag): out += (flag ? "true" : "false").utf8
    case .unsigned(let number): out += String(number).utf8
    case .number(let text): out += text.utf8
    case .string(let text): self.append(text, to: &out)
    case .array(let values):
      out.append(UInt8(ascii: "["))
      for (index, value) in values.enumerated() {
        if index > 0 { out.append(UInt8(ascii: ",")) }
        self.append(value, to: &out)
      }
      out.append(UInt8(ascii: "]"))
    case .object(let members):
      out.append(UInt8(ascii: "{"))
      for (index, member) in members.enumerated() {
        if index > 0 { out.append(UInt8(ascii: ",")) }
        self.append(member.name, to: &out)
        out.append(UInt8(ascii: ":"))
        self.append(member.value, to: &out)
      }
      out.append(UInt8(ascii: "}"))
    }
  }

  private static func append(_ text: String, to out: inout [UInt8]) {
    let digits = Array("0123456789abcdef".utf8)
    out.append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): out += [UInt8(ascii: "\\"), byte]
      case 0..<0x20: out += "\\u00".utf8 + [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      default: out.append(byte)
      }
    }
    out.append(UInt8(ascii: "\""))
  }
}
