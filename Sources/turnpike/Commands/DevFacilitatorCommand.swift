internal import ArgumentParser
internal import NIOCore
internal import NIOPosix
internal import Octets
internal import Settings
internal import Transport
internal import X402

extension DevCommand {
  /// `turnpike dev facilitator`
  struct Facilitator: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "facilitator",
      abstract: "An x402 facilitator without a chain: it checks signatures and moves no money.",
      discussion: """
        For trying out: write `facilitator: http://127.0.0.1:4021` into the configuration and pay with `turnpike dev pay URL`. \
        Whoever can sign has paid, so never use it where something has a price. Ends at Ctrl-C.
        """)

    @Option(help: ArgumentHelp("Where to listen; only this host may.", valueName: "address:port"))
    var listen: String = "127.0.0.1:4021"

    func run() async throws {
      let address: BindAddress
      do throws(BindAddress.Fault) {
        address = try BindAddress(self.listen)
      } catch {
        Complaint.say("--listen: \(error.sentence)")
        throw ExitCode.validationFailure
      }
      guard address.isLocal else {
        Complaint.say("--listen: it would tell others that worthless payments are good; listen on 127.0.0.1")
        throw ExitCode.validationFailure
      }
      let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
      do throws(TransportError) {
        try await Self.serve(at: address, on: group)
      } catch {
        Complaint.say("\(error)")
        throw ExitCode.failure
      }
      try? await group.shutdownGracefully()
    }

    private static func serve(
      at address: BindAddress, on group: MultiThreadedEventLoopGroup
    ) async throws(TransportError) {
      let listener = try Listener(
        address: ListenerConfiguration(address: address).transportAddress, service: DevFacilitatorService(),
        group: group)
      let bound = try await listener.bind()
      print("A facilitator for trying out, at http://\(bound): it checks payments and moves no money.")
      let signals = await ServerSignals.caught()
      async let stop: Void = {
        for await word in signals where word == .stop {
          listener.beginShutdown(within: .seconds(1))
          return
        }
      }()
      try await listener.run()
      await stop
    }
  }
}

/// The facilitator's three paths over HTTP.
private struct DevFacilitatorService: HTTPService {
  private static let maxBodyBytes = 64 * 1024

  private let facilitator = DevFacilitator(clock: SystemClock())

  func intake(for request: HTTPRequest) -> Intake { .whole(maxBytes: Self.maxBodyBytes) }

  func respond(to request: HTTPRequest) -> Reply<HTTPResponse> {
    let path = String(decoding: request.target.prefix { $0 != ASCII.question }, as: UTF8.self)
    let answer = self.facilitator.answer(path: path, body: request.body)
    print("\(String(decoding: request.method, as: UTF8.self)) \(path.prefix(40)) \(answer.status)")
    var fields = FieldList()
    fields.append("content-type", "application/json".utf8)
    return .now(HTTPResponse(status: UInt16(answer.status), fields: fields, body: answer.body))
  }
}
