import Foundation
import SwiftReFT

/// Our side of one row: does a workload as often as it is told to, and says how long it took.
///
///     Bench WORKLOAD TASK.json
///
/// Commands come as lines on standard input, and each is answered with one line of JSON: `check` gives the results that the
/// peer must agree with, `sample` does the work once, `memory` gives the most memory so far. The end of input ends it.
@main struct Bench {
    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 3, let kind = Workloads.named[arguments[1]] else {
            throw BenchError("usage: Bench WORKLOAD TASK.json; workloads: \(Workloads.named.keys.sorted())")
        }
        let task = try Data(contentsOf: URL(fileURLWithPath: arguments[2]))
        let workload = try kind.init(task: task)
        try answer(.object([.init("ready", .bool(true))]))
        while let command = readLine() {
            switch command {
            case "check": try answer(.object(try workload.check().map { .init($0.name, $0.json) }))
            case "sample": try answer(.object(try workload.sample().map { .init($0.name, $0.json) }))
            case "memory": try answer(.object([.init("peak_bytes", .integer(try ProcessMemory.peakBytes()))]))
            default: throw BenchError("unknown command '\(command)'")
            }
        }
    }

    private static func answer(_ value: JSONValue) throws {
        try FileHandle.standardOutput.write(contentsOf: Data((value.line + "\n").utf8))
    }
}

struct BenchError: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}
