internal import CProto
internal import CProtobufC

/// The memory of one decoded message at a time: handed out by moving a pointer, taken back all at once.
///
/// A small message lives in `keptBytes`, which stay with the arena; one that needs more borrows a second block for as
/// long as it lives. Past both, decoding fails. So a request costs no `malloc`, and none costs more than `maxBytes`.
///
/// Owned by whoever decodes; not shared between threads.
@safe
final class MessageArena {
  /// 64 KiB: a captured request of 9.5 KB needs a third of it.
  static let keptBytes = 64 * 1024
  /// 2 MiB: a message of 1 MiB, all of it one body, beside the headers a proxy lets through. protobuf-c makes at most
  /// 60 bytes of one on the wire (a map entry with nothing in it), so such a message ends here, not in the heap.
  static let maxBytes = 2 * 1024 * 1024

  @unsafe private struct State {
    var next: UInt
    var end: UInt
    var overflow: UnsafeMutableRawPointer?
    var isExhausted: Bool
    var allocator: ProtobufCAllocator
  }

  private let state: UnsafeMutablePointer<State>
  private let base: UnsafeMutableRawPointer

  init() {
    unsafe self.base = .allocate(byteCount: Self.keptBytes, alignment: Self.alignment)
    unsafe self.state = .allocate(capacity: 1)
    let allocator = unsafe ProtobufCAllocator(
      alloc: { context, size in unsafe MessageArena.allocate(from: context, size: size) },
      free: { _, _ in },
      allocator_data: UnsafeMutableRawPointer(self.state)
    )
    unsafe self.state.initialize(
      to: State(next: 0, end: 0, overflow: nil, isExhausted: false, allocator: allocator)
    )
    self.reset()
  }

  deinit {
    self.reset()
    unsafe self.state.deinitialize(count: 1)
    unsafe self.state.deallocate()
    unsafe self.base.deallocate()
  }

  /// Whether a message wanted more than `maxBytes` since the last ``reset()``.
  var isExhausted: Bool { unsafe self.state.pointee.isExhausted }

  /// Runs a decoder of protobuf-c with this arena's allocator.
  func withAllocator<Result>(
    _ body: (UnsafeMutablePointer<ProtobufCAllocator>) -> Result
  ) -> Result {
    unsafe withUnsafeMutablePointer(to: &self.state.pointee.allocator, body)
  }

  /// Takes everything back. Nothing decoded before may be read after.
  func reset() {
    if let overflow = unsafe self.state.pointee.overflow { unsafe overflow.deallocate() }
    unsafe self.state.pointee.overflow = nil
    unsafe self.state.pointee.next = UInt(bitPattern: self.base)
    unsafe self.state.pointee.end = UInt(bitPattern: self.base) + UInt(Self.keptBytes)
    unsafe self.state.pointee.isExhausted = false
  }

  /// What `malloc` promises, and the structs of protobuf-c need.
  private static let alignment = 16

  /// Nil is out of memory to protobuf-c: it gives the message up.
  private static func allocate(from context: UnsafeMutableRawPointer?, size: Int) -> UnsafeMutableRawPointer?
  {
    guard let state = unsafe context?.assumingMemoryBound(to: State.self) else { return nil }
    guard size <= self.maxBytes else { return unsafe self.exhaust(state) }
    let rounded = UInt(max(size, 1) + self.alignment - 1) & ~UInt(self.alignment - 1)
    if unsafe state.pointee.end - state.pointee.next < rounded {
      guard unsafe state.pointee.overflow == nil else { return unsafe self.exhaust(state) }
      let bytes = self.maxBytes - self.keptBytes
      guard rounded <= UInt(bytes) else { return unsafe self.exhaust(state) }
      let block = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: self.alignment)
      unsafe state.pointee.overflow = block
      unsafe state.pointee.next = UInt(bitPattern: block)
      unsafe state.pointee.end = UInt(bitPattern: block) + UInt(bytes)
    }
    let place = unsafe state.pointee.next
    unsafe state.pointee.next = place + rounded
    return unsafe UnsafeMutableRawPointer(bitPattern: place)
  }

  private static func exhaust(_ state: UnsafeMutablePointer<State>) -> UnsafeMutableRawPointer? {
    unsafe state.pointee.isExhausted = true
    return nil
  }
}
