import Logging
import Telemetry
import Testing

@testable import turnpike

@Suite("What is logged of mints and facilitators")
struct CounterpartWatchTests {
  private let lines = LineBox()

  private func look(_ states: [CounterpartReport.State], rounds: Int) -> [String] {
    var told: [String: CounterpartReport.State] = [:]
    let log = LogSettings(format: .text, level: .info, sink: self.lines).logger("test")
    for state in states {
      let watch = CounterpartWatch(log: log) {
        [CounterpartReport(kind: .facilitator, name: "https://f.example", state: state)]
      }
      watch.look(&told, rounds: rounds)
    }
    return self.lines.all
  }

  @Test("each change is one line")
  func changes() {
    let lines = self.look([.ready, .ready, .lacks(["eip155:1"]), .lacks(["eip155:1"]), .ready], rounds: 9)
    #expect(lines.count == 3)
    #expect(lines[0].contains("facilitator heard"))
    #expect(lines[1].contains("warning") && lines[1].contains("eip155:1"))
  }

  @Test("at the start nobody is blamed for a slow answer; later he is")
  func patience() {
    #expect(self.look([.notHeard], rounds: 0).isEmpty)
    #expect(self.look([.notHeard], rounds: CounterpartWatch.patience).count == 1)
  }
}
