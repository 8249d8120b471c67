import Foundation

/// The memory of this process.
enum ProcessMemory {
    /// The most memory that was resident so far (VmHWM), mapped pages of files included.
    static func peakBytes() throws -> Int {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        guard let kilobytes = line?.split(separator: " ").dropLast().last.flatMap({ Int($0) }) else {
            throw BenchError("/proc/self/status does not say VmHWM")
        }
        return kilobytes * 1024
    }
}
