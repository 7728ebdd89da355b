internal import ArgumentParser
internal import Gate
internal import JSON
internal import Outbound

/// A public listener that a command buys at.
struct Shop {
  /// Without a path.
  var url: String

  /// What it is asked to answer in.
  enum Form: String {
    case text = "text/plain, application/json;q=0.5"
    case json = "application/json"
  }

  var form = Form.text

  /// Longer than a mint and a machine take.
  private static let timeout: Duration = .seconds(60)

  /// Prints what it answers; ends the command with 1 where that is no success.
  func ask(
    _ method: String, _ path: String, _ fields: [OutboundCall.Field], body: [UInt8]? = nil
  ) async throws {
    let outbound = OutboundHTTP()
    let page = await outbound.page(
      at: self.url + path, method: method, fields: [.init("Accept", self.form.rawValue)] + fields,
      body: body, timeout: Self.timeout)
    await outbound.shutdown()
    guard let page else {
      Complaint.say("\(self.url) does not answer; ask again with the same payment before paying once more")
      throw ExitCode.failure
    }
    let isGood = (200...299).contains(page.status)
    if isGood || self.form == .json {
      print(String(decoding: page.body, as: UTF8.self), terminator: page.body.last == 0x0A ? "" : "\n")
    }
    guard isGood else {
      Complaint.say("\(self.url) answers \(page.status)\(Self.reason(in: page.body))")
      throw ExitCode.failure
    }
  }

  /// Of a refusal, for people.
  private static func reason(in body: [UInt8]) -> String {
    guard let refusal = try? JSONReader.read(body) else { return "" }
    return [refusal["reason"]?.string, refusal["message"]?.string].compactMap { $0 }.map { ": \($0)" }
      .joined()
  }
}

struct ShopOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The public listener.", valueName: "url"))
  var url = "http://127.0.0.1:8081"

  @Flag(help: "Print the answer as JSON.")
  var json = false

  var shop: Shop { get throws { try OptionalShop.shop(at: self.url, self.json ? .json : .text) } }
}

struct OptionalShop: ParsableArguments {
  @Option(help: ArgumentHelp("The public listener, to ask as the owner.", valueName: "url"))
  var url: String?

  @Option(help: PassOption.help)
  var pass: String?

  @Flag(help: "Print the answer of the public listener as JSON.")
  var json = false

  var shop: Shop? { get throws { try self.url.map { try Self.shop(at: $0, self.json ? .json : .text) } } }

  var fields: [OutboundCall.Field] { get throws { try self.pass.map { [try PassOption.field($0)] } ?? [] } }

  func validate() throws {
    guard self.url != nil || (self.pass == nil && !self.json) else {
      throw ValidationError("--pass and --json are for the public listener: add --url")
    }
  }

  static func shop(at url: String, _ form: Shop.Form) throws -> Shop {
    guard url.hasPrefix("http://") || url.hasPrefix("https://") else {
      throw ValidationError("--url begins with http:// or https://")
    }
    return Shop(url: url.hasSuffix("/") ? String(url.dropLast()) : url, form: form)
  }
}

enum TokenOption {
  static let help = ArgumentHelp(
    "A Cashu token, or a file with it; `-` reads it from standard input, where nobody sees it.",
    valueName: "token")

  static func field(_ argument: String) throws -> OutboundCall.Field {
    .init("X-Cashu", try SecretArgument.read(argument, beginning: "cashu", "token"))
  }
}

enum PassOption {
  static let help = ArgumentHelp(
    "The machine's pass, as `create` printed it, or a file with it; `-` reads it from standard input, after a token.",
    valueName: "pass")

  static func field(_ argument: String) throws -> OutboundCall.Field {
    .init("Turnpike-Pass", try SecretArgument.read(argument, beginning: "tp1.", "pass"))
  }
}

/// A machine by either of its names.
enum MachineArgument {
  static let help: ArgumentHelp = "The machine's name, `wl-…`."

  @Sendable static func read(_ text: String) throws -> WorkloadID {
    guard let id = WorkloadID(named: text) else { throw ValidationError(WorkloadID.form) }
    return id
  }
}
