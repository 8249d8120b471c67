import CMachineLimits
import Foundation

/// What the machine can do at most, measured in the same run.
final class MachineWorkload: Workload {
    struct Task: Decodable { var threads: Int }

    private static let size: Int32 = 2048
    private static let readBytes: Int64 = 1 << 30
    private let threads: Int32

    init(task: Data) throws { threads = Int32(try decodeTask(Task.self, task).threads) }

    func check() -> [Reading] { [] }

    func sample() throws -> [Reading] {
        let operations = 2 * Double(Self.size) * Double(Self.size) * Double(Self.size)
        let product = machine_product_seconds(Self.size, threads)
        let reading = machine_read_seconds(Self.readBytes, threads)
        guard product > 0, reading > 0 else { throw BenchError("no memory for measuring the machine") }
        return [
            .seconds(product + reading), .number("sgemm_flops", operations / product),
            .number("read_bytes_per_second", Double(Self.readBytes) / reading),
            .number("bf16_flops", machine_bf16_rate(threads)),
        ]
    }
}
