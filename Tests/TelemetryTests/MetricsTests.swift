import Telemetry
import Testing

@Suite("Metrics")
struct MetricsTests {
  private func text(_ registry: MetricsRegistry) -> String {
    String(decoding: registry.exposition(), as: UTF8.self)
  }

  @Test("a counter and a gauge are written with their labels, in a stable order")
  func counterAndGauge() {
    let registry = MetricsRegistry()
    let bytes = registry.counter("turnpike_bytes_total", help: "Bytes.", labels: ["listener", "direction"])
    let payments = registry.gauge("turnpike_payments", help: "Payments.", labels: ["state"])
    bytes.with("proxy", "sent").add(3)
    bytes.with("grpc", "received").add()
    bytes.with("proxy", "sent").add(4)
    payments.with("stuck").set(-2)
    #expect(
      self.text(registry) == """
        # HELP turnpike_bytes_total Bytes.
        # TYPE turnpike_bytes_total counter
        turnpike_bytes_total{listener="grpc",direction="received"} 1
        turnpike_bytes_total{listener="proxy",direction="sent"} 7
        # HELP turnpike_payments Payments.
        # TYPE turnpike_payments gauge
        turnpike_payments{state="stuck"} -2

        """)
  }

  @Test("a histogram's buckets are cumulative and end with everything")
  func histogram() {
    let registry = MetricsRegistry()
    let settle = registry.histogram("turnpike_settle_seconds", help: "Settling.", labels: ["method"]).with(
      "cashu")
    for span in [Duration.milliseconds(1), .milliseconds(3), .milliseconds(1500), .seconds(60)] {
      settle.record(span)
    }
    let lines = self.text(registry).split(separator: "\n")
    #expect(lines.contains("turnpike_settle_seconds_bucket{method=\"cashu\",le=\"0.001\"} 1"))
    #expect(lines.contains("turnpike_settle_seconds_bucket{method=\"cashu\",le=\"0.005\"} 2"))
    #expect(lines.contains("turnpike_settle_seconds_bucket{method=\"cashu\",le=\"2.5\"} 3"))
    #expect(lines.contains("turnpike_settle_seconds_bucket{method=\"cashu\",le=\"30\"} 3"))
    #expect(lines.contains("turnpike_settle_seconds_bucket{method=\"cashu\",le=\"+Inf\"} 4"))
    #expect(lines.contains("turnpike_settle_seconds_count{method=\"cashu\"} 4"))
    #expect(lines.contains { $0.hasPrefix("turnpike_settle_seconds_sum{method=\"cashu\"} 61.504") })
  }

  @Test("label values and help are escaped")
  func escapes() {
    let registry = MetricsRegistry()
    registry.counter("turnpike_x_total", help: "a\nb\\", labels: ["route"]).with("/a\"b\\\n").add()
    #expect(self.text(registry).contains("# HELP turnpike_x_total a\\nb\\\\\n"))
    #expect(self.text(registry).contains("{route=\"/a\\\"b\\\\\\n\"} 1\n"))
  }

  @Test("a value known elsewhere is read at each exposition")
  func observed() {
    let registry = MetricsRegistry()
    let source = Counter()
    registry.observe("turnpike_seen_total", help: "Seen.", kind: .counter, labels: ["listener"]) {
      [MetricsRegistry.Observation(["proxy"], Double(source.value))]
    }
    source.add(5)
    #expect(self.text(registry).contains("turnpike_seen_total{listener=\"proxy\"} 5\n"))
    source.add(1)
    #expect(self.text(registry).contains("turnpike_seen_total{listener=\"proxy\"} 6\n"))
  }

  @Test("series are bounded: what comes later shares one")
  func bounded() {
    let registry = MetricsRegistry()
    let family = registry.counter("turnpike_x_total", help: "X.", labels: ["a"])
    for number in 0..<MetricsRegistry.maxSeries + 50 { family.with("\(number)").add() }
    let samples = self.text(registry).split(separator: "\n").filter { !$0.hasPrefix("#") }
    #expect(samples.count == MetricsRegistry.maxSeries + 1)
    #expect(samples.contains("turnpike_x_total{a=\"other\"} 50"))
  }
}

@Suite("Decision counters")
struct DecisionCountersTests {
  private let outcomes = [
    DecisionCounters.Outcome(decision: "allow", reason: "free"),
    DecisionCounters.Outcome(decision: "payment_required", reason: "spent"),
  ]

  @Test("count by adapter, route and outcome; what never happened is not written")
  func counts() {
    let registry = MetricsRegistry()
    let counters = DecisionCounters(adapters: ["envoy", "nginx"], outcomes: self.outcomes, in: registry)
    let api = counters.route("/api/**")
    api.count(adapter: 1, outcome: 1)
    api.count(adapter: 1, outcome: 1)
    counters.route("/api/**").count(adapter: 0, outcome: 0)
    counters.route("/x").count(adapter: 1, outcome: 0)
    let samples = String(decoding: registry.exposition(), as: UTF8.self).split(separator: "\n").dropFirst(2)
    #expect(
      Array(samples) == [
        "turnpike_decisions_total{adapter=\"envoy\",route=\"/api/**\",decision=\"allow\",reason=\"free\"} 1",
        "turnpike_decisions_total{adapter=\"nginx\",route=\"/api/**\",decision=\"payment_required\",reason=\"spent\"} 2",
        "turnpike_decisions_total{adapter=\"nginx\",route=\"/x\",decision=\"allow\",reason=\"free\"} 1",
      ])
  }

  @Test("routes beyond the bound are counted together")
  func bounded() {
    let registry = MetricsRegistry()
    let counters = DecisionCounters(adapters: ["envoy"], outcomes: self.outcomes, in: registry)
    for number in 0..<DecisionCounters.maxRoutes + 7 {
      counters.route("/\(number)").count(adapter: 0, outcome: 0)
    }
    let text = String(decoding: registry.exposition(), as: UTF8.self)
    #expect(text.contains("route=\"other\",decision=\"allow\",reason=\"free\"} 7\n"))
    #expect(text.split(separator: "\n").count == DecisionCounters.maxRoutes + 3)
  }
}
