import Checkpoints
import Foundation
import Session

extension Trainer {
    /// What a saved state must agree with to be gone on from.
    private struct State: Codable, Equatable {
        var step: Int
        var settings: TrainingSettings
        var examples: Int
        var program: String
    }

    private static let stateFile = "state.json"

    private func state() throws -> State {
        State(step: stepCount, settings: settings, examples: examples.count, program: try session.program.json())
    }

    /// Writes everything that is needed to go on exactly from here: parameters, the optimiser's state and the step.
    public func saveCheckpoint(to folder: URL) throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        // The state goes last: it names the step that the other two files must have, so a torn write is noticed.
        let step = ["step": "\(stepCount)"]
        try session.parameters.save(to: folder.appendingPathComponent("parameters-\(stepCount).safetensors"), metadata: step)
        try optimizer.saveState(to: folder.appendingPathComponent("optimizer-\(stepCount).safetensors"))
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try AtomicFile.write(encoder.encode(try state()), to: folder.appendingPathComponent(Self.stateFile))
        try removeOlderFiles(in: folder)
    }

    /// Goes on from a saved state of the same training.
    /// - Throws: ``TrainingError/resume(path:problem:)`` if settings, data or program are others.
    public func resume(from folder: URL) throws {
        let file = folder.appendingPathComponent(Self.stateFile)
        let saved: State
        do {
            saved = try JSONDecoder().decode(State.self, from: try Data(contentsOf: file))
        } catch {
            throw TrainingError.resume(path: file.path, problem: "there is no state to go on from")
        }
        var current = try state()
        current.step = saved.step
        guard saved == current else {
            var differences: [String] = []
            if saved.settings != current.settings { differences.append("settings") }
            if saved.examples != current.examples { differences.append("number of examples") }
            if saved.program != current.program { differences.append("program") }
            throw TrainingError.resume(
                path: file.path,
                problem: "was saved with another \(differences.joined(separator: " and another "))")
        }
        try session.parameters.load(from: folder.appendingPathComponent("parameters-\(saved.step).safetensors"))
        try optimizer.loadState(from: folder.appendingPathComponent("optimizer-\(saved.step).safetensors"))
        goOn(fromStep: saved.step)
    }

    private func removeOlderFiles(in folder: URL) throws {
        let current = "-\(stepCount).safetensors"
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.path)
        where name.hasSuffix(".safetensors") && !name.hasSuffix(current) {
            try FileManager.default.removeItem(at: folder.appendingPathComponent(name))
        }
    }
}
