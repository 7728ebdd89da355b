/// The processors that machines run on.
enum Architecture: Hashable, CaseIterable {
  case x86_64, arm64

  static var current: Architecture {
    #if arch(x86_64)
      .x86_64
    #elseif arch(arm64)
      .arm64
    #endif
  }

  /// AUDIT_ARCH_… of linux/audit.h.
  var audit: UInt32 {
    switch self {
    case .x86_64: 0xc000_003e
    case .arm64: 0xc000_00b7
    }
  }
}
