import Foundation
import SwiftReFT

/// Our side of one row: does a workload as often as it is told to, and says how long it took.
///
///     Bench WORKLOAD TASK.json
///     Bench variants TASK.json
///
/// Commands come as lines on standard input, and each is answered with one line of JSON: `check` gives the results that the
/// peer must agree with, `sample` does the work once, `memory` gives the most memory so far. The end of input ends it.
/// Variants are several workloads in one process, `{"NAME": {"workload": …, "task": …}}`; commands name one: `sample NAME`.
@main struct Bench {
    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 3 else { throw BenchError("usage: Bench WORKLOAD TASK.json") }
        let workloads = try workloads(arguments[1], try Data(contentsOf: URL(fileURLWithPath: arguments[2])))
        try answer([Reading(name: "ready", json: .bool(true))])
        while let line = readLine() {
            let words = line.split(separator: " ", maxSplits: 1).map(String.init)
            let name = words.count > 1 ? words[1] : ""
            guard let command = words.first, let workload = workloads[name] else {
                throw BenchError("unknown workload '\(name)'")
            }
            switch command {
            case "check": try answer(try workload.check())
            case "sample": try answer(try workload.sample())
            case "memory":
                try answer([Reading(name: "peak_bytes", json: .integer(try ProcessMemory.peakBytes()))])
            default: throw BenchError("unknown command '\(command)'")
            }
        }
    }

    /// The workloads of this process by the names that commands call them.
    private static func workloads(_ name: String, _ task: Data) throws -> [String: any Workload] {
        guard name == "variants" else { return ["": try Workloads.make(name, task)] }
        guard let variants = try JSONSerialization.jsonObject(with: task) as? [String: [String: Any]] else {
            throw BenchError("variants are an object of objects")
        }
        return try variants.mapValues { variant in
            guard let name = variant["workload"] as? String, let task = variant["task"] else {
                throw BenchError("a variant has a workload and a task")
            }
            return try Workloads.make(name, try JSONSerialization.data(withJSONObject: task))
        }
    }

    private static func answer(_ readings: [Reading]) throws {
        let value = JSONValue.object(readings.map { .init($0.name, $0.json) })
        try FileHandle.standardOutput.write(contentsOf: Data((value.line + "\n").utf8))
    }
}

struct BenchError: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}
