import ArgumentParser
import Diagnostics
import Foundation
import SwiftReFT

/// What is trained: a preset, a program file, or an adapter's program gone on with.
struct TrainedProgramOptions: ParsableArguments {
    @Option(
        help:
            "loreft, noreft, consreft, lobireft, direft, nodireft (the paper's DiReFT), lora, dora or bottleneck; none trains only what --train-weights names."
    ) var preset: String?
    @Option(parsing: .unconditional, help: "The rank of the preset's subspace; 4 unless given.") var rank: Int?
    @Option(parsing: .unconditional, help: "The preset's layers: all, 0,4,8 or 4-11; all unless given.")
    var layers: String?
    @Option(
        parsing: .unconditional,
        help:
            "The preset's positions: all, f7+l7, l1, 3,-1 or 1-3, counted in the prompt; f7+l7 unless given, all for lora, dora and bottleneck. Or those of a configuration of pyvene, all unless given."
    ) var positions: String?
    @Option(
        help:
            "The preset's components, with commas between; block_output unless given, query_output,value_output for lora and dora, attention_output,mlp_output for bottleneck."
    ) var component: String?
    @Option(
        parsing: .unconditional, help: "α of lora and dora: the change is scaled by α / rank; the rank unless given.")
    var alpha: Double?
    @Flag(help: "One set of parameters for all sides of a union such as f7+l7.") var tiedPositions = false
    @Option(parsing: .unconditional, help: "The preset's dropout on the edit, in training.") var dropout: Double?
    @Option(
        help: "A program file (JSON), or a configuration of pyvene, instead of a preset.",
        completion: .file(extensions: ["json"]))
    var program: String?
    @Option(help: "An adapter whose program and parameters the training starts from.", completion: .directory)
    var startFrom: String?
    @Option(
        help:
            "Weights of the model to train too, by checkpoint name, as in 'layers[4-8].mlp.*.weight'; may be repeated.")
    var trainWeights: [String] = []

    func validate() throws {
        if preset == Self.noPreset, trainWeights.isEmpty {
            throw ValidationError("--preset none trains nothing without --train-weights")
        }
        if [preset, program, startFrom].compactMap({ $0 }).count > 1 {
            throw ValidationError("give one of --preset, --program and --start-from")
        }
        if let preset, preset != Self.noPreset, ReFTFamily(rawValue: preset.lowercased()) == nil, adaptation == nil {
            let known =
                ReFTFamily.allCases.map(\.rawValue) + AdaptationFamily.allCases.map(\.rawValue) + [Self.noPreset]
            throw ValidationError(
                "unknown preset '\(preset)'; known: \(known.joined(separator: ", "))\(suggestion(for: preset, among: known))"
            )
        }
        if let dropout, !(0..<1).contains(dropout) {
            throw ValidationError("--dropout must be at least 0 and below 1, not \(dropout)")
        }
        if let alpha, ownReason == nil {
            guard adaptation == .lora || adaptation == .dora else {
                throw ValidationError("--alpha goes with --preset lora or dora")
            }
            if !alpha.isFinite { throw ValidationError("--alpha must be a finite number, not \(alpha)") }
        }
        if let reason = ownReason, !unusedOptions.isEmpty {
            let verb = unusedOptions.count == 1 ? "goes" : "go"
            throw ValidationError("\(unusedOptions.joined(separator: ", ")) \(verb) with a preset; \(reason)")
        }
    }

    /// What takes the place of a preset's options; nil for a preset.
    private var ownReason: String? {
        if let program { return "the program \(program) says its own" }
        if let startFrom { return "the adapter \(startFrom) has its own" }
        return preset == Self.noPreset ? "--preset none declares no intervention" : nil
    }

    /// The given options that only a preset uses. (A configuration of pyvene has no positions of its own.)
    private var unusedOptions: [String] {
        let options: [(String, Bool)] = [
            ("--rank", rank != nil), ("--layers", layers != nil),
            ("--positions", positions != nil && program == nil), ("--component", component != nil),
            ("--alpha", alpha != nil), ("--tied-positions", tiedPositions), ("--dropout", dropout != nil),
        ]
        return options.filter(\.1).map(\.0)
    }

    private static let noPreset = "none"

    private func read(_ program: String) throws -> Program {
        let options = PyveneOptions(positions: try positions.map { try Positions(text: $0) })
        return try Program(contentsOf: program, pyvene: options, isPyveneGiven: positions != nil)
    }

    func session(_ model: Model, seed: UInt64) throws -> Session {
        let weights = Program(
            trainable: trainWeights.map { TrainableWeights($0, location: .option("--train-weights")) })
        if let startFrom {
            return try Session(
                model, adapters: [try Adapter(at: startFrom)], further: weights, warn: Terminal.warn)
        }
        if preset == Self.noPreset { return try Session(model, program: weights, seed: seed) }
        if let program {
            let folder = URL(fileURLWithPath: program).deletingLastPathComponent()
            return try Session(
                model, program: Program(joining: [try read(program), weights]).withNames(), seed: seed,
                constantsIn: TensorReader(folder: folder))
        }
        return try Session(model, program: Program(joining: [try declaredProgram(), weights]), seed: seed)
    }

    /// The preset where it is one of those that ReFT is compared with.
    private var adaptation: AdaptationFamily? { preset.flatMap { AdaptationFamily(rawValue: $0.lowercased()) } }

    private func declaredProgram() throws -> Program {
        let layers = try Layers(text: layers ?? "all")
        let rank = rank ?? 4
        let components = try component.map { list in
            let names = list.split(separator: ",", omittingEmptySubsequences: false).map {
                $0.filter { !$0.isWhitespace }
            }
            if names.contains("") { throw CommandError("--component '\(list)': a name is empty") }
            return names.map { Component(rawValue: String($0)) }
        }
        if let adaptation {
            return adaptation.program(
                rank: rank, layers: layers, positions: try Positions(text: positions ?? "all"), tied: tiedPositions,
                components: components, alpha: alpha, dropout: dropout ?? 0)
        }
        let family = ReFTFamily(rawValue: preset?.lowercased() ?? "") ?? .loreft
        let positions = try Positions(text: positions ?? "f7+l7")
        return Program(
            runs: (components ?? [.blockOutput]).flatMap { component in
                family.program(
                    rank: rank, layers: layers, positions: positions, tied: tiedPositions, dropout: dropout ?? 0,
                    component: component
                ).runs
            })
    }
}

/// The examples and how they become tokens.
struct DataOptions: ParsableArguments {
    @Option(help: "Examples, JSONL or JSON.", completion: .file(extensions: ["jsonl", "json"])) var data: String
    @OptionGroup var templates: TemplateOptions
    @Option(parsing: .unconditional, help: "Cut examples to this many tokens.") var maxLength: Int?
    @OptionGroup var sources: SourceOptions

    func validate() throws {
        if let maxLength, maxLength < 1 { throw ValidationError("--max-length must be at least 1, not \(maxLength)") }
    }

    /// What errors call the data.
    var name: String { URL(fileURLWithPath: data).lastPathComponent }

    func examples(_ model: Model) throws -> [Example] {
        let encoder = try templates.encoder(model, maximumLength: maxLength)
        let url = URL(fileURLWithPath: data)
        return try sources.shared(by: try encoder.encode(try DataRow.read(url), file: name), model, encoder.prompting)
    }
}

/// How the program is trained.
struct TrainingOptions: ParsableArguments {
    @Option(parsing: .unconditional, help: "How often every example is seen.") var epochs = 3
    @Option(parsing: .unconditional, help: "Examples in a batch; 8 unless given.") var batchSize: Int?
    @Option(
        parsing: .unconditional,
        help: "Fill batches with examples up to this many tokens instead; a longer example is a batch of its own.")
    var batchTokens: Int?
    @Option(
        help:
            "How labels count: each step is the mean of its own labels (step), or all labels of an epoch alike (epoch); by default epoch with --batch-tokens."
    )
    var labelWeighting: LabelWeighting?
    @Option(parsing: .unconditional, help: "Batches whose gradients make one step.") var gradientAccumulation = 1
    @Option(parsing: .unconditional, help: "The peak learning rate.") var learningRate = 4e-3
    @Option(help: "constant, linear or cosine.") var schedule: LearningRateSchedule.Shape = .linear
    @Option(
        parsing: .unconditional,
        help: "The share of the steps in which the rate rises from 0, or their number if 1 or more.") var warmup = 0.0
    @Option(parsing: .unconditional, help: "AdamW's weight decay.") var weightDecay = 0.0
    @Option(parsing: .unconditional, help: "Scale gradients down to this norm.") var clip: Double?
    @Option(parsing: .unconditional, help: "What first values, the order of examples and dropout are keyed with.")
    var seed: UInt64 = 42
    @Flag(help: "Keep the examples in their order.") var noShuffle = false
    @Option(help: "How orthonormal parameters move: retraction, or householder as PyTorch does for R taller than wide.")
    var orthonormalMap: OptimizerSettings.OrthonormalMap = .retraction

    @OptionGroup var reuse: ReuseOptions

    @Option(
        help: ArgumentHelp(
            "Compute values of blocks again in the backward pass instead of keeping them: all, a number of blocks, attention (what costs little), or none.",
            valueName: "blocks"), transform: Recomputation.init(argument:)) var recompute: Recomputation?
    @Option(
        parsing: .unconditional,
        help: "Compute the values of as few blocks again as it takes to hold a batch's values in so many megabytes.")
    var activationMemory: Int?

    func validate() throws {
        guard batchSize == nil || batchTokens == nil else {
            throw ValidationError("--batch-size and --batch-tokens both say how much is in a batch")
        }
        guard let activationMemory else { return }
        guard recompute == nil else {
            throw ValidationError("--recompute and --activation-memory both say how many blocks are computed again")
        }
        guard 1...1 << 30 ~= activationMemory else {
            throw ValidationError(
                "--activation-memory must be at least 1 and at most \(1 << 30), not \(activationMemory)")
        }
    }

    var settings: TrainingSettings {
        var settings = TrainingSettings()
        settings.reusesActivations = !reuse.noReuse
        settings.recomputation =
            activationMemory.map { .fitting(bytes: $0 << 20) } ?? recompute ?? settings.recomputation
        settings.epochs = epochs
        settings.batchSize = batchSize ?? 8
        settings.batchTokens = batchTokens
        settings.labelWeighting = labelWeighting
        settings.gradientAccumulation = gradientAccumulation
        settings.learningRate = learningRate
        settings.schedule = schedule
        settings.warmup = warmup
        settings.weightDecay = weightDecay
        settings.clip = clip
        settings.seed = seed
        settings.shuffles = !noShuffle
        settings.orthonormalMap = orthonormalMap
        return settings
    }
}

/// `all`, `attention`, `none`, or a number of blocks.
extension Recomputation {
    init(argument: String) throws {
        switch argument {
        case "all": self = .everyBlock
        case "attention": self = .attention
        case "none": self = .none
        default:
            guard let count = Int(argument), count >= 0 else {
                throw ValidationError("it is all, attention, none, or how many blocks: a number from 0 on")
            }
            self = .blocks(count)
        }
    }
}

extension LearningRateSchedule.Shape: ExpressibleByArgument {}
extension LabelWeighting: ExpressibleByArgument {}
extension OptimizerSettings.OrthonormalMap: ExpressibleByArgument {}
