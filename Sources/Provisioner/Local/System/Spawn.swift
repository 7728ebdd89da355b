internal import Glibc

/// Starts another program with the descriptors that it is given, and nothing else of ours.
enum Spawn {
  /// - Parameters:
  ///   - words: the program's path and its arguments.
  ///   - given: what it has under which number.
  static func run(_ words: [String], given: [(Descriptor, CInt)]) throws(SystemFault) -> pid_t {
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    // Above all targets first: a descriptor put onto itself would stay close-on-exec, and one onto another's
    // source would replace it.
    var sources: [Descriptor] = []
    for (source, target) in given {
      let high = try source.duplicate(atLeast: 20)
      sources.append(high)
      unsafe posix_spawn_file_actions_adddup2(&actions, high.raw, target)
    }

    var pid: pid_t = 0
    var argv = unsafe words.map { unsafe strdup($0) } + [nil]
    defer { unsafe argv.forEach { unsafe free($0) } }
    // No environment at all: that of the service may hold secrets, and /proc shows it to the same user.
    var environment: [UnsafeMutablePointer<CChar>?] = unsafe [nil]
    let failure = unsafe posix_spawn(&pid, words[0], &actions, nil, &argv, &environment)
    withExtendedLifetime(sources) {}
    guard failure == 0 else { throw SystemFault(code: failure, "start", words[0]) }
    return pid
  }

  /// Runs it to its end; true when it succeeded in time.
  static func succeeds(_ words: [String], log: Descriptor, within time: Duration) throws(SystemFault) -> Bool
  {
    let null = try Descriptor.open("/dev/null", O_RDONLY)
    let pid = try self.run(words, given: [(null, 0), (log, 1), (log, 2)])
    guard let process = Descriptor.process(pid) else { throw SystemFault("pidfd_open") }
    let isOver = process.waitReadable(until: .now + time) || !process.killProcess(within: time)
    var status: CInt = 0
    return unsafe waitpid(pid, &status, WNOHANG) == pid && isOver && status == 0
  }
}
