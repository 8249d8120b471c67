import ArgumentParser

struct AdapterCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "adapter", abstract: "Shows, compares and composes adapters.",
        discussion: """
            EXAMPLES
              reft adapter show my-adapter
              reft adapter merge politeness brevity --output both
              reft adapter average politeness brevity --weights 0.7,0.3 --output mixed
            """,
        subcommands: [
            ShowAdapterCommand.self, DiffAdaptersCommand.self, MergeAdaptersCommand.self, AverageAdaptersCommand.self,
            ScaleAdapterCommand.self, InterferenceCommand.self,
        ])
}
