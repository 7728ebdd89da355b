internal import Octets

/// Header and trailer fields of gRPC answers.
enum GRPCFields {
  /// What every answer begins with.
  static let response: FieldList = {
    var fields = FieldList()
    fields.append("content-type", "application/grpc".utf8)
    return fields
  }()

  static func append(_ status: GRPCStatus, to fields: inout FieldList) {
    fields.append("grpc-status", String(status.code.rawValue).utf8)
    if !status.message.isEmpty { fields.append("grpc-message", self.percentEncoded(status.message)) }
    // Which encodings we take belongs beside a refusal of one.
    if status.code == .unimplemented { fields.append("grpc-accept-encoding", "identity".utf8) }
  }

  /// Space to tilde as they are, but for `%`; all else as `%XX` (gRPC over HTTP/2, "Status-Message").
  static func percentEncoded(_ message: String) -> [UInt8] {
    let digits = Array("0123456789ABCDEF".utf8)
    var out: [UInt8] = []
    for byte in message.utf8 {
      if byte >= 0x20, byte <= 0x7E, byte != ASCII.percent {
        out.append(byte)
      } else {
        out.append(contentsOf: [ASCII.percent, digits[Int(byte >> 4)], digits[Int(byte & 15)]])
      }
    }
    return out
  }

  /// `grpc-timeout`: one to eight digits and a unit; nil for anything else.
  static func timeout(_ text: ArraySlice<UInt8>) -> Duration? {
    guard let unit = text.last, (2...9).contains(text.count) else { return nil }
    var value: Int64 = 0
    for byte in text.dropLast() {
      guard ASCII.isDigit(byte) else { return nil }
      value = value * 10 + Int64(byte - 0x30)
    }
    return switch unit {
    case 0x48: .seconds(value * 3600)  // H
    case 0x4D: .seconds(value * 60)  // M
    case 0x53: .seconds(value)  // S
    case 0x6D: .milliseconds(value)  // m
    case 0x75: .microseconds(value)  // u
    case 0x6E: .nanoseconds(value)  // n
    default: nil
    }
  }
}
