import ArgumentParser

struct AdapterCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "adapter", abstract: "Shows, compares, composes, imports and exports adapters.",
        discussion: """
            EXAMPLES
              reft adapter show my-adapter
              reft adapter merge politeness brevity --output both
              reft adapter average politeness brevity --weights 0.7,0.3 --output mixed
              reft adapter import pyreft-folder my-adapter --model MODEL --positions f7+l7
            """,
        subcommands: [
            ShowAdapterCommand.self, DiffAdaptersCommand.self, MergeAdaptersCommand.self, AverageAdaptersCommand.self,
            ScaleAdapterCommand.self, InterferenceCommand.self, AdapterImportCommand.self, AdapterExportCommand.self,
        ])
}
