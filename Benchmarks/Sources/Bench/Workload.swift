import Foundation
import SwiftReFT

/// What one row does on our side. A workload is made once and then does its work as often as it is asked to.
protocol Workload: AnyObject {
    /// - Parameter task: JSON that the harness has written: the model's place, tokens, settings.
    init(task: Data) throws
    /// Results that the peer has too, for comparison before anything is timed.
    func check() throws -> [Reading]
    /// Does the work once; `seconds` is what is timed.
    func sample() throws -> [Reading]
}

/// A named result.
struct Reading {
    var name: String
    var json: JSONValue

    static func seconds(_ value: Double) -> Reading { number("seconds", value) }

    static func number(_ name: String, _ value: Double) -> Reading { Reading(name: name, json: .number(value)) }

    static func integers(_ name: String, _ values: [Int]) -> Reading {
        Reading(name: name, json: .array(values.map(JSONValue.integer)))
    }

    /// Many numbers: f32, little-endian, base64.
    static func floats(_ name: String, _ values: [Float]) -> Reading {
        let bytes = values.withUnsafeBytes { Data($0) }
        return Reading(name: name, json: .object([.init("f32", .string(bytes.base64EncodedString()))]))
    }
}

enum Workloads {
    private static var named: [String: any Workload.Type] {
        [
            "machine": MachineWorkload.self,
            "training": TrainingWorkload.self,
            "forward": ForwardWorkload.self,
            "first_token": FirstTokenWorkload.self,
            "decoding": DecodingWorkload.self,
            "prompt": PromptWorkload.self,
            "tracing": TracingWorkload.self,
            "adapters": AdaptersWorkload.self,
            "planning": PlanningWorkload.self,
        ]
    }

    static func make(_ name: String, _ task: Data) throws -> any Workload {
        guard let kind = named[name] else {
            let known = named.keys.sorted().joined(separator: ", ")
            throw BenchError("no workload is called '\(name)'; there are \(known)")
        }
        return try kind.init(task: task)
    }
}

/// A task is read with the keys that Python writes.
func decodeTask<Task: Decodable>(_ type: Task.Type, _ data: Data) throws -> Task {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(type, from: data)
}

/// The seconds that a closure takes.
func timed<Result>(_ body: () throws -> Result) rethrows -> (result: Result, seconds: Double) {
    let start = DispatchTime.now().uptimeNanoseconds
    let result = try body()
    return (result, Double(DispatchTime.now().uptimeNanoseconds - start) * 1e-9)
}
