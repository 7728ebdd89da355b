import Foundation
@testable import Store
import Synchronization

/// A real PostgreSQL of the test run's own: made in a temporary folder, reached by a socket in it, gone with
/// the test process, however that ends.
final class PostgreSQLServer: Sendable {
  /// One for all tests that do not stop it.
  static let shared = Result { try PostgreSQLServer() }

  private let directory: TemporaryDirectory
  private let shell: Mutex<Shell>
  private let databases = Mutex(0)

  struct Failure: Error, CustomStringConvertible { var description: String }

  init() throws {
    self.directory = try TemporaryDirectory()
    let binaries = try Self.findBinaries()
    var shell = try Shell(script: Self.script, arguments: [binaries, self.directory.path])
    try shell.ask("start")
    self.shell = Mutex(shell)
  }

  /// Waits until the server is up.
  func start() throws { try self.shell.withLock { shell in try shell.ask("start") } }
  /// As at a shutdown of its host (SIGINT), or as if it crashed (SIGQUIT).
  func stop(_ signal: StopSignal = .fast) throws {
    try self.shell.withLock { shell in try shell.ask(signal.rawValue) }
  }

  enum StopSignal: String, CaseIterable, Sendable { case fast = "stop", immediate = "crash" }

  /// Of an empty book: a schema of its own, which costs less than a database.
  func makeDatabase() throws -> String {
    let number = self.databases.withLock { count in
      count += 1
      return count
    }
    try PostgreSQLSession(to: try PostgreSQLAddress(self.url)).fly(
      [PostgreSQLCommand(.unnamed("CREATE SCHEMA test\(number)"))], within: .seconds(30))
    return self.url + "&options=-csearch_path%3Dtest\(number)"
  }

  private var url: String { "postgresql://postgres:a%20secret@/postgres?host=\(self.directory.path)" }

  /// Debian's folders, else the PATH.
  private static func findBinaries() throws -> String {
    let files = FileManager.default
    let root = "/usr/lib/postgresql"
    let versions = ((try? files.contentsOfDirectory(atPath: root)) ?? []).sorted {
      (Int($0) ?? 0) > (Int($1) ?? 0)
    }
    let path = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map(String.init)
    let folders = versions.map { "\(root)/\($0)/bin" } + path
    guard let folder = folders.first(where: { files.isExecutableFile(atPath: $0 + "/initdb") }) else {
      throw Failure(description: "These tests need a PostgreSQL server: apt-get install postgresql")
    }
    return folder
  }

  /// The end of its input is the end of the test process: then the server, known by its process id, goes too.
  /// A server does not run as root, so root's runs as `postgres`.
  private static let script = """
    bin=$1; dir=$2; as=; pid=
    if [ "$(id -u)" = 0 ]; then
      chown postgres "$dir"
      as="setpriv --reuid=postgres --regid=postgres --init-groups"
    fi
    cd "$dir" || exit 1
    $as "$bin/initdb" --no-sync -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C >"$dir/initdb.log" 2>&1 ||
      { tail -n 3 "$dir/initdb.log"; exit 1; }
    start() {
      $as "$bin/postgres" -D "$dir/data" -k "$dir" -c listen_addresses= -c max_connections=600 \
        </dev/null >>"$dir/log" 2>&1 &
      pid=$!
      until $as "$bin/pg_isready" -q -h "$dir" -U postgres; do
        kill -0 $pid 2>/dev/null || { tail -n 3 "$dir/log"; exit 1; }
        sleep 0.05
      done
    }
    end() { [ -z "$pid" ] || { kill -$1 $pid; wait $pid; pid=; }; }
    trap '' INT
    while read -r command; do
      case $command in start) start ;; stop) end INT ;; crash) end QUIT ;; esac
      echo done
    done
    end QUIT
    rm -rf "$dir"
    """
}

/// A shell that answers each line with `done`.
private struct Shell: Sendable {
  private let input: FileHandle
  private let output: FileHandle

  init(script: String, arguments: [String]) throws {
    let (input, output, process) = (Pipe(), Pipe(), Process())
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", script, "sh"] + arguments
    process.standardInput = input
    process.standardOutput = output
    try process.run()
    self.input = input.fileHandleForWriting
    self.output = output.fileHandleForReading
  }

  mutating func ask(_ command: String) throws {
    try self.input.write(contentsOf: Data((command + "\n").utf8))
    var answer = Data()
    while !answer.contains(0x0A) {
      let more = self.output.availableData
      if more.isEmpty { break }
      answer.append(more)
    }
    guard answer == Data("done\n".utf8) else {
      throw PostgreSQLServer.Failure(description: "PostgreSQL: \(String(decoding: answer, as: UTF8.self))")
    }
  }
}
