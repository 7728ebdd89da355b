/// One instruction of classic BPF: `struct sock_filter` of linux/filter.h.
struct BPFInstruction: Hashable {
  let code: UInt16
  /// How many instructions to leave out when the test holds, and when it does not.
  let whenTrue: UInt8
  let whenFalse: UInt8
  let operand: UInt32

  /// BPF_LD | BPF_W | BPF_ABS: the word at an offset of `struct seccomp_data`.
  static let load: UInt16 = 0x20
  /// BPF_JMP | BPF_JEQ | BPF_K
  static let isEqual: UInt16 = 0x15
  /// BPF_JMP | BPF_JGE | BPF_K
  static let isAtLeast: UInt16 = 0x35
  /// BPF_JMP | BPF_JSET | BPF_K
  static let hasBit: UInt16 = 0x45
  /// BPF_RET | BPF_K
  static let answer: UInt16 = 0x06

  /// As the kernel reads it, in the byte order of the machine.
  var bytes: [UInt8] {
    let code = unsafe withUnsafeBytes(of: self.code) { unsafe Array($0) }
    let operand = unsafe withUnsafeBytes(of: self.operand) { unsafe Array($0) }
    return code + [self.whenTrue, self.whenFalse] + operand
  }
}

/// A program whose jumps are names until it is whole.
struct BPFProgram {
  enum Target: Hashable { case next, answer(UInt32), part(String) }

  private enum Line {
    case load(UInt32)
    case test(UInt16, UInt32, Target, Target)
    case answer(UInt32)
  }

  private var lines: [Line] = []
  private var parts: [String: Int] = [:]

  mutating func load(_ offset: UInt32) { self.lines.append(.load(offset)) }
  mutating func begin(_ part: String) { self.parts[part] = self.lines.count }
  mutating func answer(_ value: UInt32) { self.lines.append(.answer(value)) }

  mutating func test(_ code: UInt16, _ operand: UInt32, then: Target = .next, otherwise: Target = .next) {
    self.lines.append(.test(code, operand, then, otherwise))
  }

  /// The answers that tests jump to come after the last line, once each.
  func assembled() -> [BPFInstruction] {
    var answers: [UInt32] = []
    for case .test(_, _, let then, let otherwise) in self.lines {
      for case .answer(let value) in [then, otherwise] where !answers.contains(value) {
        answers.append(value)
      }
    }
    func distance(from line: Int, to target: Target) -> UInt8 {
      let place =
        switch target {
        case .next: line + 1
        case .part(let name): self.parts[name]
        case .answer(let value): answers.firstIndex(of: value).map { self.lines.count + $0 }
        }
      guard let place, let distance = UInt8(exactly: place - line - 1) else {
        preconditionFailure("a jump of the filter goes nowhere or too far")
      }
      return distance
    }
    let body = self.lines.enumerated().map { index, line in
      switch line {
      case .load(let offset):
        BPFInstruction(code: BPFInstruction.load, whenTrue: 0, whenFalse: 0, operand: offset)
      case .answer(let value):
        BPFInstruction(code: BPFInstruction.answer, whenTrue: 0, whenFalse: 0, operand: value)
      case .test(let code, let operand, let then, let otherwise):
        BPFInstruction(
          code: code, whenTrue: distance(from: index, to: then),
          whenFalse: distance(from: index, to: otherwise), operand: operand)
      }
    }
    return body
      + answers.map {
        BPFInstruction(code: BPFInstruction.answer, whenTrue: 0, whenFalse: 0, operand: $0)
      }
  }
}
