internal import ArgumentParser
internal import Gate
internal import Outbound
internal import Settings

extension WorkloadCommand {
  /// `turnpike workload create`
  struct Create: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "create", abstract: "Buys a machine, and prints how to log in.",
      discussion: """
        The same token again gives the same machine and a new password; so does its pass (`--pass`), which needs no \
        token, and gets another machine where one has left credit. Exit codes: 0 bought, 1 not.
        """)

    @OptionGroup var shop: ShopOptions

    @Option(help: TokenOption.help)
    var token: String?

    @Option(help: PassOption.help)
    var pass: String?

    @Option(help: ArgumentHelp("The kind of machine.", valueName: "kind"))
    var spec: String?

    @Option(help: ArgumentHelp("The login name.", valueName: "name"))
    var username: String?

    @Option(help: ArgumentHelp("One of the images of its kind.", valueName: "image"))
    var image: String?

    @Option(
      help: ArgumentHelp("A file with your public key: one line, as in `id_ed25519.pub`.", valueName: "file"))
    var key: String?

    @Option(
      help: ArgumentHelp(
        "End it after so many minutes, within what is paid; the rest is credit.", valueName: "count"))
    var minutes: Int64?

    func validate() throws {
      guard (self.minutes ?? 1) > 0 else { throw ValidationError("--minutes must be 1 or more") }
    }

    func run() async throws {
      var members: [(String, JSONText)] = []
      if let minutes = self.minutes { members.append(("duration_minutes", .integer(minutes))) }
      if let spec = self.spec { members.append(("spec", .string(spec))) }
      if let username = self.username { members.append(("username", .string(username))) }
      if let image = self.image { members.append(("image", .string(image))) }
      if let key = self.key { members.append(("public_key", .string(try Self.line(of: key)))) }
      let token = self.token ?? (self.pass == nil ? "-" : nil)
      let shown = try [token.map(TokenOption.field), self.pass.map(PassOption.field)].compactMap { $0 }
      try await self.shop.shop.ask(
        "POST", "/v1/workloads", shown + [.init("Content-Type", "application/json")],
        body: Array(JSONText.object(members).text.utf8))
    }

    private static func line(of path: String) throws -> String {
      do throws(UnreadableFile) {
        let bytes = try SmallFile.read(path).bytes
        return String(decoding: bytes.prefix { $0 != 0x0A && $0 != 0x0D }, as: UTF8.self)
      } catch {
        Complaint.say("\(path): \(error.reason)")
        throw ExitCode.failure
      }
    }
  }

  /// `turnpike workload extend MACHINE`
  struct Extend: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "extend", abstract: "Pays for more time of a machine.",
      discussion: "Exit codes: 0 extended, 1 not.")

    @OptionGroup var shop: ShopOptions

    @Option(help: TokenOption.help)
    var token = "-"

    @Argument(help: MachineArgument.help, transform: MachineArgument.read)
    var machine: WorkloadID

    @Option(help: PassOption.help)
    var pass: String

    func run() async throws {
      try await self.shop.shop.ask(
        "POST", "/v1/workloads/\(self.machine)/extend",
        [try TokenOption.field(self.token), try PassOption.field(self.pass)])
    }
  }
}
