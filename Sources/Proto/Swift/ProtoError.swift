/// A message that is not read.
public enum ProtoError: Error, Hashable, Sendable {
  /// The bytes are no message of the type asked for.
  case malformed
  /// The message would need more memory than ``MessageArena/maxBytes``.
  case tooLarge
}
