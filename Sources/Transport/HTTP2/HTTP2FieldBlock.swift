internal import CNghttp2
internal import Octets

/// The fields of gRPC answers as nghttp2 wants them, laid out once per session.
@safe struct HTTP2FixedFields: ~Copyable {
  /// `:status: 200`, `content-type: application/grpc`.
  let head: UnsafePointer<nghttp2_nv>
  static let headCount = 2
  /// `grpc-status: 0`.
  let statusOK: UnsafePointer<nghttp2_nv>

  init() {
    let fields = UnsafeMutablePointer<nghttp2_nv>.allocate(capacity: 3)
    unsafe fields.initialize(to: Self.field(":status", "200"))
    unsafe (fields + 1).initialize(to: Self.field("content-type", "application/grpc"))
    unsafe (fields + 2).initialize(to: Self.field("grpc-status", "0"))
    unsafe self.head = UnsafePointer(fields)
    unsafe self.statusOK = UnsafePointer(fields + 2)
  }

  deinit { unsafe self.head.deallocate() }

  /// Static strings need no copy; nghttp2 does not write through the pointers.
  private static func field(_ name: StaticString, _ value: StaticString) -> nghttp2_nv {
    unsafe nghttp2_nv(
      name: UnsafeMutablePointer(mutating: name.utf8Start),
      value: UnsafeMutablePointer(mutating: value.utf8Start),
      namelen: name.utf8CodeUnitCount,
      valuelen: value.utf8CodeUnitCount,
      flags: UInt8(NGHTTP2_NV_FLAG_NO_COPY_NAME.rawValue | NGHTTP2_NV_FLAG_NO_COPY_VALUE.rawValue)
    )
  }
}

/// Fields made at run time, laid out in one piece of memory for the time of a call; nghttp2 copies them.
enum HTTP2FieldBlock {
  static func with(
    status: UInt16?,
    _ fields: FieldList,
    _ body: (UnsafePointer<nghttp2_nv>?, Int) -> Void
  ) {
    var bytes: [UInt8] = []
    var lengths: [(name: Int, value: Int)] = []
    func add(_ name: some Collection<UInt8>, _ value: some Collection<UInt8>) {
      bytes.append(contentsOf: name)
      bytes.append(contentsOf: value)
      lengths.append((name.count, value.count))
    }
    if let status { add(":status".utf8, String(status).utf8) }
    for index in 0..<fields.count { add(fields[index].name, fields[index].value) }
    unsafe bytes.withUnsafeMutableBufferPointer { memory in
      guard var position = memory.baseAddress else { return body(nil, 0) }
      var block: [nghttp2_nv] = unsafe []
      for length in lengths {
        let value = unsafe position + length.name
        unsafe block.append(
          nghttp2_nv(name: position, value: value, namelen: length.name, valuelen: length.value, flags: 0))
        unsafe position = value + length.value
      }
      unsafe block.withUnsafeBufferPointer { unsafe body($0.baseAddress, $0.count) }
    }
  }
}
