internal import ArgumentParser

/// `turnpike workload list|create|extend|delete`
struct WorkloadCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "workload", abstract: "Lists SSH machines, buys one, makes it last longer, ends it.",
    discussion: """
      `list`, and `delete` without `--url`, are for whoever runs Turnpike: they read its store. The others speak with \
      the public listener, as a buyer.
      """,
    subcommands: [List.self, Create.self, Extend.self, Delete.self])
}
