import InterventionDSL
import Models

extension Session {
    /// Goes on from prompts, all in one batch without padding.
    ///
    /// What the program does at prompt positions is done once and lives on in the key/value store; what it does at
    /// generated rows is done at each step, in every beam. Greedy, drawn with the settings' seed, or by beam search: an
    /// answer does not depend on which other prompts are in the batch, except for rounding.
    /// In an encoder-decoder model the prompt is the encoder's sequence and the answer is the decoder's, which begins with
    /// the model's start token; prompts that carry a sequence of the run `encoder` are the beginning of the decoder's.
    /// - Parameters:
    ///   - prompts: Token ids, with lists of positions and sequences of source runs for programs that name such.
    ///   - receipt: Told which edits fire at each step, and how much they change.
    ///   - onStep: Called for each token; returns false to stop.
    ///   - warn: Told about declarations for generated rows that never fired.
    /// - Returns: ``GenerationSettings/answersPerPrompt`` answers of each prompt, one prompt after another.
    /// - Throws: ``SessionError``, ``InputError``, `InterventionError` or `RuntimeError`.
    public func generate(
        _ prompts: [Example], settings: GenerationSettings = GenerationSettings(), receipt: ReceiptRecorder? = nil,
        onStep: (GenerationStep) -> Bool = { _ in true }, warn: (String) -> Void = { _ in }
    ) throws -> [GeneratedText] {
        let problems = settings.problems(vocabulary: model.sizes.vocabulary)
        guard problems.isEmpty else { throw SessionError.settings(problems) }
        guard model.kind == .causalLanguageModel else {
            throw SessionError.unsuited(model: model.name, needs: "a language model, which scores the next token")
        }
        try checkGeneration()
        let examples = prompts.map { prompt in
            var example = decoderPrompt(of: prompt)
            example.target = .none
            example.givenPromptLength = example.tokens.count
            return example
        }
        try validate(examples)
        let rooms = try AnswerRoom.rooms(for: examples, settings, model)
        receipt?.begin(.generation, hookGraph)
        let batch = try DecodingBatch(self, examples, seed: settings.seed, receipt: receipt)
        let answers = try answers(batch, settings, rooms, onStep)
        for warning in batch.silentEdits { warn(warning) }
        return answers
    }

    private func answers(
        _ batch: DecodingBatch, _ settings: GenerationSettings, _ rooms: [AnswerRoom],
        _ onStep: (GenerationStep) -> Bool
    ) throws -> [GeneratedText] {
        if let beams = settings.beams, beams.count > 1 {
            var decoding = BeamDecoding(batch, settings, beams, rooms)
            return try decoding.answers(onStep)
        }
        var decoding = SequenceDecoding(batch, settings, rooms)
        return try decoding.answers(onStep)
    }
}
