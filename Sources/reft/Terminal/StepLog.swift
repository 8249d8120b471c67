import Foundation
import SwiftReFT

/// A file with one JSON line for each step of a training.
///
/// It is a by-product: where it can not be written any more, because the disk is full or who read a pipe has gone, there is
/// a warning, and the training goes on without it.
final class StepLog {
    private let descriptor: Int32
    private let path: String
    private let encoder = JSONEncoder()
    private var isOpen = true

    /// Opens a file, which is emptied unless a training goes on in it; also a pipe or a device.
    /// - Throws: ``CommandError`` with the reason.
    init(path: String, appends: Bool) throws {
        self.path = path
        descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (appends ? O_APPEND : O_TRUNC), 0o666)
        guard descriptor >= 0 else { throw CommandError("--log \(path) can not be written: \(Self.problem)") }
        encoder.outputFormatting = [.sortedKeys]
    }

    deinit { close(descriptor) }

    /// Adds a step's line.
    func write(_ step: TrainingStep) throws {
        guard isOpen else { return }
        var rest = [UInt8](try encoder.encode(step) + Data("\n".utf8))[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { bytes in
                #if canImport(Darwin)
                    Darwin.write(descriptor, bytes.baseAddress, bytes.count)
                #else
                    Glibc.write(descriptor, bytes.baseAddress, bytes.count)
                #endif
            }
            if written < 0, errno != EINTR {
                Terminal.warn(
                    "--log \(path) can not be written from step \(step.step) on: \(Self.problem); the training goes on")
                isOpen = false
                return
            }
            rest = rest.dropFirst(max(written, 0))
        }
    }

    private static var problem: String { String(cString: strerror(errno)) }
}
