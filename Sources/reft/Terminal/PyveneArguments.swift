import ArgumentParser
import SwiftReFT

/// What a pyvene configuration leaves open.
struct PyveneArguments: ParsableArguments {
    @Option(
        parsing: .unconditional,
        help:
            "The positions of a pyvene configuration, which does not say them: all, f7+l7, l1, 3,-1; all unless given, but needed for a pyreft folder."
    )
    var positions: String?

    @Option(
        parsing: .unconditional,
        help: "The positions that a pyvene configuration reads from source runs; those that it edits unless given.")
    var sourcePositions: String?

    @Option(help: "The heads of a pyvene configuration whose unit is h or h.pos, as in 0,3.") var heads: String?

    @Flag(help: "All interventions of a pyvene configuration read one source run, 'source'.") var oneSource = false

    /// The options; `positions` in the place of those that are given here.
    func options(positions given: String? = nil, activation: Activation = .linear) throws -> PyveneOptions {
        PyveneOptions(
            positions: try (given ?? positions).map { try Positions(text: $0) },
            sourcePositions: try sourcePositions.map { try Positions(text: $0) },
            heads: try heads.map { try Self.numbers($0) }, activation: activation, sharesSource: oneSource)
    }

    /// Whether something is given that only a pyvene configuration uses.
    var isGiven: Bool { positions != nil || sourcePositions != nil || heads != nil || oneSource }

    private static func numbers(_ text: String) throws -> [Int] {
        try text.split(separator: ",", omittingEmptySubsequences: false).map { part in
            guard let number = Int(part), number >= 0 else {
                throw ValidationError("--heads: '\(part)' is no head; heads are listed as in 0,3")
            }
            return number
        }
    }
}
