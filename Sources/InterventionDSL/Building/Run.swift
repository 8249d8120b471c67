/// A named run of the model within a program: the base run, or a source that declarations read from.
///
/// ```swift
/// Program {
///     Run("clean")
///     Run.base {
///         Interchange(from: "clean").on(.blockOutput, layer: 5).at(3)
///     }
/// }
/// ```
public struct Run: Sendable {
    /// The run itself, then runs that programs within it bring along.
    let runs: [ProgramRun]
    /// The policy for overlaps that programs within it bring along.
    var overlaps = OverlapPolicy.chain

    /// What programs within it train of the model.
    var trainable: [TrainableWeights] = []

    var program: Program {
        var program = Program(runs: runs, trainable: trainable)
        program.overlaps = overlaps
        return program
    }

    /// A source run without interventions.
    public init(_ name: String) { runs = [ProgramRun(name: name)] }

    /// A run with interventions.
    public init<Failure: Error>(
        _ name: String, @RunBuilder _ content: () throws(Failure) -> Program
    ) throws(Failure) {
        let program = try content()
        runs =
            program.runs.filter { $0.name != Program.baseName }
            + [ProgramRun(name: name, declarations: program.declarations)]
        overlaps = program.overlaps
        trainable = program.trainable
    }

    /// The base run with interventions.
    public static func base<Failure: Error>(
        @RunBuilder _ content: () throws(Failure) -> Program
    ) throws(Failure) -> Run {
        try Run(Program.baseName, content)
    }
}
