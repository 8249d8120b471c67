import ArgumentParser
import SwiftReFT

/// --overwrite of commands that write a folder.
struct DestinationOptions: ParsableArguments {
    @Flag(help: "Write into a folder that holds something other than an earlier result, or over a file.")
    var overwrite = false

    /// Finds a folder that can not, or should not, be written to before the work is done.
    func check(_ folder: String, for result: OutputFolder) throws {
        try result.check(folder, overwriting: overwrite)
    }
}
