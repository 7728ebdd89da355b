import Testing
import Transport

@testable import turnpike

@Suite struct OpenFilesTests {
  @Test(
    "the listeners share what the system allows and leave some",
    arguments: [(1024, 4, 224), (20_000, 4, 4096), (1_000_000, 4, 4096), (64, 4, 16), (1024, 0, 896)])
  func shares(_ openFiles: Int, _ listenerCount: Int, _ expected: Int) {
    #expect(OpenFiles.connections(openFiles: openFiles, listenerCount: listenerCount) == expected)
  }

  @Test("raising the limit never lowers it")
  func raises() {
    let once = OpenFiles.raise()
    #expect(once > 0)
    #expect(OpenFiles.raise() == once)
  }
}
