import Kubernetes
import KubernetesDouble
import Testing

@Suite("KubernetesTime") struct KubernetesTimeTests {
  @Test(
    "a moment is read and written alike",
    arguments: [
      ("1970-01-01T00:00:00Z", 0), ("2000-02-29T23:59:59Z", 951_868_799),
      ("2026-11-21T15:04:05Z", 1_795_273_445),
      ("2100-03-01T00:00:00Z", 4_107_542_400), ("1969-12-31T23:59:59Z", -1),
    ] as [(String, Int64)])
  func both(_ text: String, _ seconds: Int64) {
    #expect(KubernetesTime(text)?.secondsSinceEpoch == seconds)
    #expect("\(KubernetesTime(secondsSinceEpoch: seconds))" == text)
  }

  @Test("every day of sixty years agrees with a plain count of days")
  func days() {
    for day in 0..<21_900 {
      let seconds = Int64(day) * 86_400 + 3_661
      #expect("\(KubernetesTime(secondsSinceEpoch: seconds))" == ClockText.text(seconds))
      #expect(KubernetesTime(ClockText.text(seconds))?.secondsSinceEpoch == seconds)
    }
  }

  @Test("a fraction is dropped; other forms are none")
  func forms() {
    #expect(KubernetesTime("1970-01-01T00:00:01.999999Z")?.secondsSinceEpoch == 1)
    for text in [
      "", "1970-01-01", "1970-01-01T00:00:00+01:00", "1970-13-01T00:00:00Z", "1970-01-01T24:00:00Z",
      "1970-01-01T00:00:00.Z",
    ] {
      #expect(KubernetesTime(text) == nil)
    }
  }
}
