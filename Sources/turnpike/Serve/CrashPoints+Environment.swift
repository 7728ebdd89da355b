internal import Gate
#if CRASH_POINTS
  private import Glibc
#endif

extension CrashPoints {
  /// In a debug build, `TURNPIKE_CRASH_AT=NAME` ends the process at that point as `kill -9` would. A release has none.
  static func fromEnvironment(_ environment: [String: String]) -> CrashPoints {
    #if CRASH_POINTS
      guard let name = environment["TURNPIKE_CRASH_AT"].flatMap(Name.init(rawValue:)) else { return .none }
      return CrashPoints { if $0 == name { kill(getpid(), SIGKILL) } }
    #else
      return .none
    #endif
  }
}
