package import Octets
private import Synchronization

/// Reads `CheckRequest`s from any thread, with a few decoders that are used again and again.
///
/// A thread takes the first decoder that is free, so two event loops do not wait for each other; when all are taken it
/// reads with one of its own, which goes with the call.
package final class CheckRequestReader: Sendable {
  private final class Slot: Sendable {
    let decoder: Mutex<CheckRequestDecoder>

    init(_ interest: HeaderInterest, _ tierExtension: [UInt8]) {
      self.decoder = Mutex(CheckRequestDecoder(interest: interest, tierExtension: tierExtension))
    }
  }

  private let interest: HeaderInterest
  private let tierExtension: [UInt8]
  private let slots: [Slot]

  /// - Parameters:
  ///   - interest: the header fields to copy out.
  ///   - tierExtension: the name of the context extension that ``CheckRequest/tier`` shows.
  ///   - width: how many requests are read at the same time without new memory: the number of event loops.
  package init(interest: FieldList, tierExtension: [UInt8], width: Int) {
    let interest = HeaderInterest(interest)
    self.interest = interest
    self.tierExtension = tierExtension
    self.slots = (0..<width).map { _ in Slot(interest, tierExtension) }
  }

  /// - Throws: ``ProtoError`` when `bytes` are no `CheckRequest`, or one that needs too much memory.
  package func read(_ bytes: ArraySlice<UInt8>) throws(ProtoError) -> CheckRequest {
    for slot in self.slots {
      let result = slot.decoder.withLockIfAvailable { decoder in
        Result { () throws(ProtoError) in try decoder.decode(bytes) }
      }
      if let result { return try result.get() }
    }
    return try CheckRequestDecoder(interest: self.interest, tierExtension: self.tierExtension).decode(bytes)
  }
}
