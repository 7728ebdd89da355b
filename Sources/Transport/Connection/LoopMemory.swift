internal import NIOCore

/// Memory that the connections of one event loop share, so that an idle connection holds none of it. Only one
/// connection runs on a loop at a time, and none keeps these beyond the call it is in.
final class LoopMemory {
  let streams = HTTP2StreamPool()
  /// What a conversation produced, on its way to the channel or into TLS.
  var output = ByteBuffer()
  var encrypted = ByteBuffer()
  var decrypted = ByteBuffer()
}
