import Gate
import Logging
import Provisioner
import Telemetry
import Testing

@testable import turnpike

@Suite("What is logged of the place where machines run")
struct MachineReporterTests {
  private func lines(_ fitness: BackendReport.Fitness, impossible: [String: String] = [:]) -> [String] {
    let lines = LineBox()
    let log = LogSettings(format: .text, level: .info, sink: lines).logger("test")
    var report = BackendReport(fitness)
    for (kind, reason) in impossible { report.impossible[WorkloadSpecName(kind)] = reason }
    MachineReporter(metrics: ServerMetrics(), log: log).examined(report)
    return lines.all
  }

  @Test("a place that keeps every promise is praised once")
  func full() {
    let said = self.lines(.full)
    #expect(said.count == 1)
    #expect(said[0].contains("machines have all the isolation that is promised"))
  }

  @Test("each kind that cannot be made has a line with its reason, and no promise is made for it")
  func impossible() {
    let said = self.lines(.full, impossible: ["out": "slirp4netns is missing", "big": "no room"])
    #expect(said.count == 3)
    #expect(said[0].contains("error") && said[0].contains("kind=big") && said[0].contains("no room"))
    #expect(said[1].contains("kind=out") && said[1].contains("slirp4netns is missing"))
    #expect(said[2].contains("the other machines"))
  }

  @Test("what a place lacks is said, one line each", arguments: [BackendReport.Fitness.unfit("no bwrap")])
  func unfit(fitness: BackendReport.Fitness) {
    let said = self.lines(fitness)
    #expect(said.count == 1)
    #expect(said[0].contains("error") && said[0].contains("no bwrap"))
    #expect(self.lines(.reduced(["a", "b"])).count == 2)
  }
}
