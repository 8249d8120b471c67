import InterventionDSL
import Models
import Session

extension Model {
    /// Trains a program on examples from fresh parameters and gives the adapter.
    ///
    /// ```swift
    /// let adapter = try model.train(program, on: examples, settings: settings)
    /// ```
    /// - Throws: `ProgramErrors`, ``InputError``, ``TrainingError``.
    public func train(
        _ program: Program, on examples: [Example], settings: TrainingSettings = TrainingSettings(),
        name: String = "adapter", onStep: (TrainingStep) throws -> Bool = { _ in true }
    ) throws -> Adapter {
        let session = try Session(self, program: program, seed: settings.seed)
        let trainer = try Trainer(session, examples: examples, settings: settings)
        let summary = try trainer.run(onStep: onStep)
        return try session.adapter(named: name, training: settings.record(summary))
    }
}

extension TrainingSettings {
    /// The settings and what came of them, for an adapter's record.
    public func record(_ summary: TrainingSummary) -> [String: RecordValue] {
        var record: [String: RecordValue] = [
            "epochs": .number(Double(epochs)), "batch_size": .number(Double(batchSize)),
            "gradient_accumulation": .number(Double(gradientAccumulation)), "learning_rate": .number(learningRate),
            "schedule": .text(schedule.rawValue), "warmup": .number(warmup), "weight_decay": .number(weightDecay),
            "seed": .text("\(seed)"), "shuffles": .flag(shuffles),
            "orthonormal_map": .text(orthonormalMap.rawValue), "steps": .number(Double(summary.steps)),
            "seconds": .number(summary.seconds),
        ]
        // JSON has no NaN: a training that was resumed after its last step has no loss of its own.
        if summary.loss.isFinite { record["final_loss"] = .number(summary.loss) }
        if let batchTokens {
            record["batch_size"] = nil
            record["batch_tokens"] = .number(Double(batchTokens))
        }
        record["label_weighting"] = .text(weighting.rawValue)
        if let clip { record["clip"] = .number(clip) }
        return record
    }
}
