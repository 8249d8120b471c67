/// What the builders of programs and runs have in common.
public protocol DeclarationListBuilder {}

extension DeclarationListBuilder {
    /// `LoReFT(rank: 4).on(.blockOutput, layer: 5).at(.last)`
    public static func buildExpression(_ declaration: Declaration) -> Program {
        Program(declarations: [declaration])
    }

    /// A program or an adapter: `politeness`, `brevity.scaled(0.5)`
    public static func buildExpression(_ program: some ProgramConvertible) -> Program { program.program }

    /// Several lines.
    public static func buildBlock(_ programs: Program...) -> Program { Program(joining: programs) }

    /// `if probing { … }`
    public static func buildOptional(_ program: Program?) -> Program { program ?? Program() }

    /// `if early { … } else { … }`
    public static func buildEither(first program: Program) -> Program { program }

    /// The other branch.
    public static func buildEither(second program: Program) -> Program { program }

    /// `for layer in 4..<8 { … }`
    public static func buildArray(_ programs: [Program]) -> Program { Program(joining: programs) }

    /// `if #available(…) { … }`
    public static func buildLimitedAvailability(_ program: Program) -> Program { program }
}

// MARK: - Wrong use, with what to write instead

extension DeclarationListBuilder {
    @available(
        *, unavailable,
        message: "an intervention needs a place: add .on(.blockOutput, layer: 5).at(.all)"
    )
    public static func buildExpression(_ intervention: some Intervention) -> Program { Program() }

    @available(
        *, unavailable,
        message: "an intervention needs a place: add .on(.blockOutput, layer: 5).at(.all)"
    )
    public static func buildExpression(_ draft: DraftDeclaration) -> Program { Program() }

    @available(
        *, unavailable,
        message: "says where, but not which positions: add .at(.all), .at(.last), .at(3, -1)"
    )
    public static func buildExpression(_ placed: PlacedDeclaration) -> Program { Program() }

    @available(
        *, unavailable,
        message: "says which positions, but not where: add .on(.blockOutput, layer: 5)"
    )
    public static func buildExpression(_ positioned: PositionedDeclaration) -> Program { Program() }

    @available(
        *, unavailable, message: "a program holds declarations, runs, trained weights, adapters and programs only"
    )
    @_disfavoredOverload
    public static func buildExpression<Other>(_ other: Other) -> Program { Program() }
}

/// Builds a ``Program`` from declarations, runs, adapters and programs.
@resultBuilder
public enum ProgramBuilder: DeclarationListBuilder {
    /// `Run("clean")`, `Run.base { … }`
    public static func buildExpression(_ run: Run) -> Program { run.program }

    /// `Train(weights: "model.layers[*].mlp.down_proj.weight")`
    public static func buildExpression(_ train: Train) -> Program { Program(trainable: train.weights) }
}

/// Builds a ``Run`` from declarations, adapters and programs.
@resultBuilder
public enum RunBuilder: DeclarationListBuilder {
    @available(*, unavailable, message: "a run can not hold another run: list runs side by side")
    public static func buildExpression(_ run: Run) -> Program { run.program }

    @available(*, unavailable, message: "all runs share the model's weights: write Train(weights: …) beside the runs")
    public static func buildExpression(_ train: Train) -> Program { Program() }
}
