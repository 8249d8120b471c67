import Checkpoints
import Foundation
import Models
import Session

extension Trainer {
    /// What a saved state must agree with to be gone on from.
    private struct State: Codable {
        var step: Int
        var settings: TrainingSettings
        var examples: Int
        /// The SHA-256 of the examples.
        var data: String
        var program: String
        var base: ModelFingerprint

        /// What differs from another state of the same step.
        func differences(from other: State) -> [String] {
            var differences: [String] = []
            var (mine, others) = (settings, other.settings)
            // What is computed again changes no bit.
            mine.recomputation = .none
            others.recomputation = .none
            if mine != others { differences.append("settings") }
            if examples != other.examples || data != other.data { differences.append("data") }
            if program != other.program { differences.append("program") }
            if case .same = base.compare(with: other.base) {} else { differences.append("model") }
            return differences
        }
    }

    private static let stateFile = "state.json"

    private func state() throws -> State {
        State(
            step: stepCount, settings: settings, examples: examples.count, data: digest,
            program: try session.program.json(), base: try session.model.fingerprint())
    }

    private var digest: String {
        var hash = SHA256Hash()
        for example in examples { hash.append(Array("\(example.digestText)\n".utf8)) }
        return hash.hexadecimal
    }

    /// Writes everything that is needed to go on exactly from here: parameters, the optimiser's state and the step.
    public func saveCheckpoint(to folder: URL) throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        // The state goes last: it names the step that the other two files must have, so a torn write is noticed.
        let step = ["step": "\(stepCount)"]
        try session.parameters.save(
            to: folder.appendingPathComponent("parameters-\(stepCount).safetensors"), metadata: step)
        try optimizer.saveState(to: folder.appendingPathComponent("optimizer-\(stepCount).safetensors"))
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try AtomicFile.write(encoder.encode(try state()), to: folder.appendingPathComponent(Self.stateFile))
        try removeOlderFiles(in: folder)
    }

    /// Goes on from a saved state of the same training.
    /// - Throws: ``TrainingError/resume(path:problem:)`` if settings, data, program or model are others.
    public func resume(from folder: URL) throws {
        let file = folder.appendingPathComponent(Self.stateFile)
        guard FileManager.default.fileExists(atPath: file.path) else {
            throw TrainingError.resume(path: file.path, problem: "there is no state to go on from")
        }
        let saved: State
        do {
            saved = try JSONDecoder().decode(State.self, from: try Data(contentsOf: file))
        } catch {
            throw TrainingError.resume(
                path: file.path, problem: "the saved state is damaged and can not be gone on from")
        }
        let differences = saved.differences(from: try state())
        guard differences.isEmpty else {
            throw TrainingError.resume(
                path: file.path, problem: "was saved with other \(differences.joined(separator: " and "))")
        }
        guard (0...plannedSteps).contains(saved.step) else {
            throw TrainingError.resume(
                path: file.path, problem: "step \(saved.step) is not within the \(plannedSteps) steps of the training")
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

extension Example {
    /// All of an example as text; dictionaries are put in order.
    fileprivate var digestText: String {
        let positions = fields.sorted { $0.key < $1.key }
        let read = sources.sorted { $0.key < $1.key }.map { " \($0.key): {\($0.value.digestText)}" }.joined()
        let chosen = subspaces.sorted { $0.key < $1.key }
        let numbers = features.map { " \($0)" } ?? ""
        return "\(tokens)\(numbers) \(target) \(promptLength) \(tokenTypes ?? []) \(positions) \(chosen)\(read)"
    }
}
