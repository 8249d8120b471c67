import Graph
import InterventionDSL
import ReFTPresets
import Testing

/// Each type against its formula, written out with loops.
@Suite struct EditFormulaTests {
    static let (rows, width, rank) = (3, 5, 2)

    /// Rows of one site, nothing else.
    static func graph() throws -> ComputationGraph {
        let builder = GraphBuilder()
        let hidden = builder.input("hidden", .real(.named("base.rows"), .fixed(width)))
        builder.declareSite(SiteID(.blockOutput, layer: 0), hidden, modulePath: "layers[0].output")
        return try builder.finish()
    }

    /// Numbers in [−1, 1] that are all different.
    static func matrix(_ rows: Int, _ columns: Int, seed: Double) -> Matrix64 {
        let values = (0..<rows * columns).map { place -> Double in
            let number = Double(place * place + 3 * place) * 0.37 + seed
            return number.truncatingRemainder(dividingBy: 2) - 1
        }
        return Matrix64(rows: rows, columns: columns, values: values)
    }

    static let hidden = matrix(rows, width, seed: 0.1)
    static let parameters: [String: Matrix64] = [
        "rotation": matrix(width, rank, seed: 0.2), "weight": matrix(rank, width, seed: 0.3),
        "bias": matrix(1, rank, seed: 0.4), "projection": matrix(rank, width, seed: 0.5),
        "projection_bias": matrix(1, rank, seed: 0.6),
    ]

    static func given(_ name: String) -> Matrix64 { parameters[name] ?? Matrix64(0) }

    /// What an intervention makes of the hidden states.
    static func edited(_ intervention: any Intervention, mode: EditMode = .evaluate) throws -> Matrix64 {
        let graph = try graph()
        let place = Place.layers(.blockOutput, [0], heads: nil)
        let program = Program(declarations: [Declaration(intervention, on: place, at: .all, name: "edit")])
        let spliced = try program.bound(to: graph).splice(into: graph, mode: mode)
        var bindings = Interpreter.Bindings()
        bindings.inputs["hidden"] = .real(hidden)
        bindings.inputs[RunInputs.seed] = .indices([3])
        for name in spliced.parameters.keys {
            bindings.parameters[name] = parameters[String(name.dropFirst("edit.0.".count))]
        }
        let site = spliced.graph.sites[0]
        return try Interpreter(spliced.graph).evaluate([site.value], bindings: bindings)[0]
    }

    /// Σⱼ left[row, j] · right[j, column].
    static func product(_ left: [Double], _ right: (Int) -> Double) -> Double {
        left.enumerated().reduce(0) { $0 + $1.element * right($1.offset) }
    }

    /// The edit as a formula: for each row h the r coordinates, then what carries them back to d columns.
    static func expected(
        _ coordinates: ([Double], Int) -> Double, back: (Int, Int) -> Double
    ) -> [Double] {
        (0..<rows).flatMap { row in
            let h = hidden.row(row)
            let z = (0..<rank).map { coordinates(h, $0) }
            return (0..<width).map { column in h[column] + product(z) { back($0, column) } }
        }
    }

    static func w(_ h: [Double], _ i: Int) -> Double {
        product(h) { given("weight")[i, $0] } + given("bias")[0, i]
    }
    static func r(_ h: [Double], _ i: Int) -> Double { product(h) { given("rotation")[$0, i] } }
    static func p(_ h: [Double], _ i: Int) -> Double { product(h) { given("projection")[i, $0] } }
    static func b(_ i: Int) -> Double { given("bias")[0, i] }
    static func rotationBack(_ i: Int, _ column: Int) -> Double { given("rotation")[column, i] }
    static func projectionBack(_ i: Int, _ column: Int) -> Double { given("projection")[i, column] }
    static func relu(_ x: Double) -> Double { max(x, 0) }

    @Test func eachTypeFollowsItsFormula() throws {
        typealias Own = EditFormulaTests
        let cases: [(any Intervention, [Double])] = [
            (LoReFT(rank: 2), Own.expected({ Own.w($0, $1) - Own.r($0, $1) }, back: Own.rotationBack)),
            (
                LoReFT(rank: 2, activation: .relu),
                Own.expected({ Own.relu(Own.w($0, $1)) - Own.r($0, $1) }, back: Own.rotationBack)
            ),
            (DiReFT(rank: 2), Own.expected(Own.w, back: Own.rotationBack)),
            (DiReFT(rank: 2, activation: .relu), Own.expected({ Own.relu(Own.w($0, $1)) }, back: Own.rotationBack)),
            (NoReFT(rank: 2), Own.expected({ Own.w($0, $1) - Own.p($0, $1) }, back: Own.projectionBack)),
            (
                NoReFT(rank: 2, activation: .relu, addBias: true),
                Own.expected(
                    { Own.relu(Own.w($0, $1)) - Own.p($0, $1) - Own.given("projection_bias")[0, $1] },
                    back: Own.projectionBack)
            ),
            (NodiReFT(rank: 2), Own.expected(Own.w, back: Own.projectionBack)),
            (NodiReFT(rank: 2, activation: .relu), Own.expected({ Own.relu(Own.w($0, $1)) }, back: Own.projectionBack)),
            (ConsReFT(rank: 2), Own.expected({ Own.b($1) - Own.r($0, $1) }, back: Own.rotationBack)),
            (LobiReFT(rank: 2), Own.expected({ _, i in Own.b(i) }, back: Own.rotationBack)),
        ]
        for (intervention, expected) in cases {
            let values = try Self.edited(intervention).values
            let worst = zip(values, expected).map { abs($0 - $1) }.max() ?? 1
            #expect(worst < 1e-12, "\(intervention)")
        }
    }

    /// In training some elements of the edit vanish and the others grow by 1 / keep; the hidden states stay.
    @Test func dropoutActsOnTheEditInTrainingOnly() throws {
        let types: [any Intervention] = [
            LoReFT(rank: 2, dropout: 0.25), DiReFT(rank: 2, dropout: 0.25), NoReFT(rank: 2, dropout: 0.25),
            NodiReFT(rank: 2, dropout: 0.25), LobiReFT(rank: 2, dropout: 0.25),
        ]
        for intervention in types {
            let evaluated = try Self.edited(intervention).values
            let trained = try Self.edited(intervention, mode: .train).values
            var dropped = 0
            for (place, h) in Self.hidden.values.enumerated() {
                let (edit, kept) = (evaluated[place] - h, trained[place] - h)
                if kept == 0 { dropped += 1 }
                #expect(abs(kept) < 1e-12 || abs(kept - edit / 0.75) < 1e-12, "\(intervention)")
            }
            #expect((1..<9).contains(dropped), "\(intervention)")
        }
    }

    @Test(
        arguments: [
            (.loreft, 2 * 10 + 2), (.direft, 2 * 10 + 2), (.noreft, 2 * 10 + 2), (.nodireft, 2 * 10 + 2),
            (.consreft, 10 + 2), (.lobireft, 10 + 2),
        ] as [(ReFTFamily, Int)])
    func trainedNumbers(family: ReFTFamily, count: Int) throws {
        let program = family.program(rank: Self.rank, layers: [0], positions: .last)
        let hookGraph = try program.bound(to: Self.graph())
        #expect(hookGraph.parameterCount == count)
        #expect(hookGraph.parameters[0].name.hasPrefix("\(family.rawValue).0."))
    }

    @Test func startingPoints() {
        let shape = SiteShape(site: SiteID(.blockOutput, layer: 0), width: 4)
        let parameters = NoReFT(rank: 2, addBias: true).parameters(at: shape) + LoReFT(rank: 2).parameters(at: shape)
        for parameter in parameters where parameter.name != "rotation" {
            #expect(parameter.initialiser == .uniform(-0.5, 0.5))
            #expect(parameter.constraint == .none)
        }
        let cons = ConsReFT(rank: 2).parameters(at: shape)
        #expect(cons[0].initialiser == .orthonormal && cons[0].constraint == .orthonormalColumns)
        #expect(cons[1].initialiser == .uniform(0, 1))
    }

    @Test func programsOfThePaper() {
        let commonsense = Program.paper(.commonsense).declarations[0]
        #expect(
            commonsense
                == LoReFT(rank: 8).on(.blockOutput, layers: .all).at(.first(7) + .last(7))
                .tied(across: .positions))
        #expect(Program.paper(.arithmetic) == Program.paper(.commonsense))
        #expect(
            Program.paper(.instruction).declarations
                == [LoReFT(rank: 4).on(.blockOutput, layers: [3, 9, 18, 24]).at(.first(5) + .last(5))])
        #expect(
            Program.paper(.direftTuning).declarations
                == [NodiReFT(rank: 4, dropout: 0.05).on(.blockOutput, layers: .all).at(.first(7) + .last(7))])
        #expect(
            Program.paper(.glue(.qnli)).declarations
                == [LoReFT(rank: 1, dropout: 0.05).on(.blockOutput, layers: .all).at(.first(11))])
        #expect(
            Program.paper(.memorisation(layer: 3)).declarations
                == [ConsReFT(rank: 1).on(.blockOutput, layer: 3).at(.last)])
    }
}
