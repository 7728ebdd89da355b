internal import Gate
private import Glibc

/// The wall clock, in milliseconds; the finer clocks cost more and nothing here needs them.
struct SystemClock: TimeSource {
  func now() -> Timestamp {
    var time = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &time)
    return Timestamp(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
  }
}
