import ArgumentParser
import Foundation
import SwiftReFT

struct TrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train", abstract: "Trains a program on examples and writes the adapter.",
        discussion: """
            The data is JSONL, or a JSON list, of {"prompt", "completion"}, {"instruction", "input", "output"}, \
            {"sentence", "sentence2", "label"}, {"tokens", "labels"} or {"tokens", "label"}; beside these a row may have \
            "positions" {"name": [positions]} and "sources" {"run": "text"} for a program with source runs.

            Ctrl-C saves the state beside the adapter; the same command with --resume goes on exactly from there.

            EXAMPLES
              reft train MODEL --data train.jsonl --output my-adapter --preset loreft --rank 4 --layers 15 --positions l1
              reft train MODEL --data train.jsonl --output my-adapter --program program.json --chat --epochs 10
              reft train MODEL --data train.jsonl --output my-adapter --rank 4 --train-weights 'layers[8-11].mlp.down_proj.weight'
              reft train MODEL --data train.jsonl --output my-adapter --layers all --positions f7+l7 --tied-positions --check
              reft train MODEL --data train.jsonl --output my-adapter --program program.json --receipt -
              reft train MODEL --data train.jsonl --output my-adapter --rank 4 --recompute all --check
              reft train MODEL --data train.jsonl --output my-adapter --program das.json --source clean="The sky is blue"
            """)

    @OptionGroup var options: ModelOptions
    @OptionGroup(title: "Program") var program: TrainedProgramOptions
    @OptionGroup(title: "Data") var data: DataOptions
    @OptionGroup(title: "Training") var training: TrainingOptions
    @Option(help: "The adapter's folder.", completion: .directory) var output: String
    @Option(help: "A file that gets one JSON line for each step.", completion: .file()) var log: String?
    @Flag(help: "Go on from the state that an interrupted training left.") var resume = false
    @Flag(help: "Train nothing; show what would be edited and labelled in the first examples.") var check = false
    @OptionGroup var computing: ComputingOptions
    @OptionGroup var receipts: ReceiptOptions
    @OptionGroup var destination: DestinationOptions
    @Flag(help: "Print JSON.") var json = false

    struct Report: Encodable {
        var output: String
        var summary: TrainingSummary
        var modelParameters: Int
    }

    func run() throws {
        try OutputPaths.check(
            [
                ("--output", output), ("--output", "\(output)/adapter.json"),
                ("--output", "\(output)/parameters.safetensors"), ("--log", log), ("--receipt", receipts.receipt),
            ],
            reading: [("MODEL", options.model), ("--data", data.data), ("--program", program.program)])
        try receipts.check(printsJSON: json)
        if !check { try destination.check(output, for: .adapter) }
        try checkInterrupted()
        let model = try options.open()
        let session = try program.session(model, seed: training.seed)
        computing.apply(to: session)
        let examples = try data.examples(model)
        session.contextWarning(for: examples).map(Terminal.warn)
        session.activations = training.reuse.activations
        if check {
            return try TrainingPreview(
                session: session, examples: examples, dataName: data.name, settings: training.settings
            ).show(asJSON: json)
        }
        let trainer = try Trainer(session, examples: examples, settings: training.settings, dataName: data.name)
        if resume { try trainer.resume(from: state) }
        let recorder = receipts.isWanted ? ReceiptRecorder() : nil
        let summary = try train(trainer, recorder)
        computing.show(session)
        // What was stored may have filled the disk that the results need.
        session.activations?.removeAll()
        if !summary.isComplete {
            try saveState(of: trainer)
            Terminal.report(
                "stopped after step \(summary.steps) of \(summary.plannedSteps); add --resume to the command to go on")
            try receipts.show(recorder?.receipt)
            throw ExitCode.interrupted
        }
        let name = URL(fileURLWithPath: output).lastPathComponent
        try write(session.adapter(named: name, training: training.settings.record(summary)))
        try? FileManager.default.removeItem(at: state)
        try receipts.show(recorder?.receipt)
        try report(summary, model)
    }

    /// Where an interrupted training leaves its state.
    private var state: URL { URL(fileURLWithPath: output).appendingPathComponent("checkpoint") }

    /// A second run must not throw away what the first one has done.
    private func checkInterrupted() throws {
        let isThere = FileManager.default.fileExists(atPath: state.appendingPathComponent("state.json").path)
        guard !resume, !check, isThere else { return }
        throw CommandError(
            "\(output) holds the state of an interrupted training: add --resume to go on from it, or remove "
                + "\(state.relativePath) to start anew")
    }

    /// Writes the adapter; where that can not be done, to the system's folder of temporary files, so that the training is
    /// not lost.
    private func write(_ adapter: Adapter) throws {
        do {
            try adapter.write(to: output)
        } catch {
            let name = "reft-\(adapter.name)-\(UUID().uuidString.prefix(8))"
            let other = FileManager.default.temporaryDirectory.appendingPathComponent(name).path
            do {
                try adapter.write(to: other)
                Terminal.report("the adapter is kept in \(other)")
            } catch {
                try? FileManager.default.removeItem(atPath: other)
            }
            throw error
        }
    }

    private func saveState(of trainer: Trainer) throws {
        do {
            try trainer.saveCheckpoint(to: state)
        } catch {
            // Empty, it would stand in the way of the next training.
            rmdir(state.path)
            throw error
        }
    }

    private func train(_ trainer: Trainer, _ recorder: ReceiptRecorder?) throws -> TrainingSummary {
        Interruption.listen()
        let log = try log.map { try StepLog(path: $0, appends: resume) }
        if let reuse = trainer.reuse { Terminal.report("\(reuse)") }
        if let recomputation = trainer.recomputation { Terminal.report("\(recomputation)") }
        var progress = ProgressReport(total: trainer.plannedSteps, unit: "step")
        defer { progress.finish() }
        return try trainer.run(receipt: recorder) { step in
            try log?.write(step)
            progress.update(
                step.step,
                String(
                    format: "epoch %d  loss %.4f  %.0f rows/s", step.epoch, step.loss, Double(step.rows) / step.seconds)
            )
            return !Interruption.wasAsked
        }
    }

    private func report(_ summary: TrainingSummary, _ model: Model) throws {
        let parameters = try model.describe().parameterCount
        if json {
            return try Terminal.show(json: Report(output: output, summary: summary, modelParameters: parameters))
        }
        let share = 100 * Double(summary.trainedParameters) / Double(max(parameters, 1))
        Terminal.show(
            "loss \(String(format: "%.4f", summary.loss)) after \(summary.steps) steps in \(String(format: "%.1f", summary.seconds)) s"
        )
        Terminal.show(
            "\(summary.trainedParameters) trained parameters, \(String(format: "%.4f", share)) % of \(parameters)")
        Terminal.show("adapter: \(output)")
    }
}
