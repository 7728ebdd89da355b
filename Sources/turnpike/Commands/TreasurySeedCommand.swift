internal import ArgumentParser
internal import Cashu
internal import Settings

/// `turnpike treasury seed`
struct TreasurySeedCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "seed", abstract: "Shows the seed that all redeemed money follows from, to be written down.",
    discussion: """
      Without --show it names the seed only by its fingerprint. Whoever has the words, or the 64 bytes of an older \
      installation, can spend everything the treasury holds.
      """)

  @OptionGroup var options: TreasuryOptions

  @Flag(help: "Print the seed itself.")
  var show = false

  func run() async throws {
    let configuration = try ConfigurationFile(path: self.options.config).load()
    let file = "\(configuration.keysDirectory)/\(KeyFileName.treasurySeed)"
    let text: String
    do throws(UnreadableFile) {
      text = String(decoding: try SmallFile.read(file).bytes, as: UTF8.self)
    } catch {
      Complaint.say("\(file): \(error.reason); it is made at the first start.")
      throw ExitCode.failure
    }
    let seed: TreasurySeed
    do throws(KeysFault) {
      seed = try SeedFile.seed(in: text)
    } catch {
      Complaint.say("\(error)")
      throw ExitCode.failure
    }
    let lines = text.split(whereSeparator: \.isNewline).filter { !$0.hasPrefix("#") }
    let words = lines.joined(separator: " ").split(separator: " ")
    let form = words.count > 1 ? "\(words.count) words" : "64 bytes"
    guard self.show else {
      print("fingerprint \(seed.fingerprint), \(form); --show prints them")
      return
    }
    Complaint.say(
      "Secret: whoever reads this can spend the treasury. Write it down on paper, and let nobody look over your shoulder."
    )
    // Four to a line, numbered, as people write them down.
    guard words.count > 1 else { return print(words.first.map(String.init) ?? "") }
    for (index, word) in words.enumerated() {
      let isLast = index % 4 == 3 || index == words.count - 1
      let cell = "\(index + 1). \(word)"
      print(
        cell + String(repeating: " ", count: isLast ? 0 : max(1, 14 - cell.count)),
        terminator: isLast ? "\n" : "")
    }
  }
}
