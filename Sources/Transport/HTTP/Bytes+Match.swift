internal import Octets

// The generic comparisons of the standard library and of Octets are not specialised across modules; on the path of
// every request they cost more than HTTP/2 itself. These do the same for the types that occur there.

extension UnsafeBufferPointer<UInt8> {
  /// The same bytes.
  func matches(_ text: StaticString) -> Bool {
    unsafe self.count == text.utf8CodeUnitCount && self.begins(with: text)
  }

  func begins(with text: StaticString) -> Bool {
    guard self.count >= text.utf8CodeUnitCount else { return false }
    for index in 0..<text.utf8CodeUnitCount where unsafe self[index] != text.utf8Start[index] { return false }
    return true
  }

  /// The same bytes, or letters of the other case; `text` is in lower case.
  func beginsIgnoringCase(with text: StaticString) -> Bool {
    guard self.count >= text.utf8CodeUnitCount else { return false }
    for index in 0..<text.utf8CodeUnitCount
    where unsafe ASCII.lowercased(self[index]) != text.utf8Start[index] { return false }
    return true
  }
}

extension [UInt8] {
  func matches(_ text: StaticString) -> Bool {
    unsafe self.withUnsafeBufferPointer { unsafe $0.matches(text) }
  }
}

extension ArraySlice<UInt8> {
  func matches(_ text: StaticString) -> Bool {
    unsafe self.withUnsafeBufferPointer { unsafe $0.matches(text) }
  }
}
