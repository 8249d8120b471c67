import Testing

@testable import Graph

/// Attention as scores, pattern and mix: gradients, agreement with the fused operation, fusion, and what is refused.
@Suite struct AttentionPairTests {
    // MARK: Gradients

    @Test(arguments: PairCase.all) func partsTogether(_ pair: PairCase) throws {
        try GradientCase(pair.testDescription) { check in
            let (query, key, value) = pair.variables(check)
            let attributes = PairAttributes(pair.attributes, rows: pair.rows)
            let (builder, offsets) = (check.builder, pair.offsets(check))
            let scores = builder.results(.attentionScores(attributes), [query, key] + offsets)[0]
            let pattern = builder.results(.attentionPattern(attributes), [scores] + offsets)[0]
            return builder.results(.attentionMix(attributes), [pattern, value] + offsets)[0]
        }.check()
    }

    /// What the mask hides is −∞, so that only the visible scores can be looked at alone.
    @Test(arguments: PairCase.all) func patternAlone(_ pair: PairCase) throws {
        try GradientCase(pair.testDescription) { check in
            let attributes = PairAttributes(pair.attributes, rows: pair.rows)
            let scores = check.variable(pair.pairCount, pair.attributes.heads, symbol: "pairs")
            if let stored = pair.stored { check.store(0, stored, keyColumns: 4, valueColumns: 2) }
            return check.builder.results(.attentionPattern(attributes), [scores] + pair.offsets(check))[0]
        }.check()
    }

    @Test(arguments: PairCase.all) func mixAlone(_ pair: PairCase) throws {
        try GradientCase(pair.testDescription) { check in
            let attributes = PairAttributes(pair.attributes, rows: pair.rows)
            let pattern = check.variable(pair.pairCount, pair.attributes.heads, symbol: "pairs")
            if let stored = pair.stored { check.store(0, stored, keyColumns: 4, valueColumns: 2) }
            // The rows of the result are those of the queries.
            _ = check.indices("rows", (0..<pair.queries.reduce(0, +)).map(Int32.init), symbol: "rows")
            let value = check.variable(
                (pair.keys ?? pair.queries).reduce(0, +), pair.attributes.keyHeads * pair.attributes.valueSize,
                symbol: pair.keys == nil ? "rows" : "keys")
            return check.builder.results(.attentionMix(attributes), [pattern, value] + pair.offsets(check))[0]
        }.check()
    }

    @Test(arguments: [(true, nil), (false, nil), (false, [2, 1])] as [(Bool, [Int]?)])
    func positionBias(bidirectional: Bool, stored: [Int]?) throws {
        try GradientCase("bidirectional \(bidirectional), stored \(stored ?? [])") { check in
            if let stored { check.store(3, stored, keyColumns: 1, valueColumns: 1) }
            let attributes = PositionBiasAttributes(
                buckets: 8, maximumDistance: 6, bidirectional: bidirectional, store: stored == nil ? nil : 3,
                rows: PairRows(queries: .named("rows"), pairs: .named("pairs")))
            let table = check.variable(8, 3)
            let offsets = check.indices("offsets", [0, 9, 11], symbol: "bounds")
            return check.builder.node(.positionBias(attributes), table, offsets)
        }.check()
    }

    // MARK: Agreement with the fused operation

    @Test(arguments: PairCase.all.filter { $0.keys == nil }) func fusedAndInParts(_ pair: PairCase) throws {
        let check = GradientCheck(seed: 5)
        let (query, key, value) = pair.variables(check)
        let attributes = PairAttributes(pair.attributes, rows: pair.rows)
        let (builder, offsets) = (check.builder, pair.offsets(check))
        let scores = builder.results(.attentionScores(attributes), [query, key] + offsets)[0]
        let pattern = builder.results(.attentionPattern(attributes), [scores] + offsets)[0]
        let mixed = builder.results(.attentionMix(attributes), [pattern, value] + offsets)[0]
        let graph = try builder.finish()
        #expect(graph.verify() == [])
        let rewrite = graph.fusing(keeping: [mixed.id])
        #expect(rewrite.graph.verify() == [])
        #expect(rewrite.graph.nodes.count == graph.nodes.count - 2)
        let fused = try #require(rewrite[mixed.id])
        #expect(rewrite.graph.nodes[fused.node].operation == .attention(pair.attributes))
        let parts = try Interpreter(graph).evaluate([mixed.id, pattern.id], bindings: check.bindings)
        let whole = try Interpreter(rewrite.graph).evaluate([fused], bindings: check.bindings)[0]
        #expect(parts[0].rows == whole.rows && parts[0].columns == whole.columns)
        #expect(zip(parts[0].values, whole.values).allSatisfy { abs($0 - $1) < 1e-12 })
        #expect(parts[1].rows == pair.pairCount)
    }

    @Test func fusionYieldsToWhoeverReadsInside() throws {
        let builder = GraphBuilder()
        let x = builder.input("x", .real(.named("rows"), 2))
        let offsets = builder.input("offsets", .indices(.named("bounds")))
        let attributes = PairAttributes(
            AttentionAttributes(heads: 1, keyHeads: 1, headSize: 2, causal: true),
            rows: PairRows(queries: .named("rows"), pairs: .named("pairs")))
        let scores = builder.node(.attentionScores(attributes), x, x, offsets)
        let pattern = builder.node(.attentionPattern(attributes), scores, offsets)
        let mixed = builder.node(.attentionMix(attributes), pattern, x, offsets)
        let graph = try builder.finish()
        for inside in [scores.id, pattern.id] {
            #expect(graph.fusing(keeping: [inside, mixed.id]).graph.nodes == graph.nodes)
        }
        // An edit between the parts keeps them apart too.
        let edited = builder.node(.attentionMix(attributes), pattern * 0.5, x, offsets)
        let more = try builder.finish()
        let other = try #require(more.fusing(keeping: [mixed.id, edited.id])[edited.id])
        #expect(
            more.fusing(keeping: [mixed.id, edited.id]).graph.nodes[other.node].operation == .attentionMix(attributes))
    }

    // MARK: Meaning

    @Test func hiddenPairsAreNeverUsed() throws {
        let log3 = 1.0986122886681098
        let builder = GraphBuilder()
        let attributes = PairAttributes(
            AttentionAttributes(heads: 1, keyHeads: 1, headSize: 1, causal: true),
            rows: PairRows(queries: .named("rows"), pairs: .named("pairs")))
        let x = builder.input("x", .real(.named("rows"), 1))
        let pairs = builder.input("scores", .real(.named("pairs"), 1))
        let offsets = builder.input("offsets", .indices(.named("bounds")))
        let scores = builder.node(.attentionScores(attributes), x, x, offsets)
        let pattern = builder.node(.attentionPattern(attributes), pairs, offsets)
        let mixed = builder.node(.attentionMix(attributes), pairs, x, offsets)
        var bindings = Interpreter.Bindings()
        bindings.inputs["x"] = .real(Matrix64(rows: 3, columns: 1, values: [1, 2, 4]))
        // Of the sequence of two: (0,0), (0,1) hidden, (1,0), (1,1); of the sequence of one: (0,0).
        bindings.inputs["scores"] = .real(Matrix64(rows: 5, columns: 1, values: [7, .nan, 0, log3, 9]))
        bindings.inputs["offsets"] = .indices([0, 2, 3])
        let found = try Interpreter(builder.finish()).evaluate(
            [scores.id, pattern.id, mixed.id], bindings: bindings)
        #expect(found[0].values == [1, -.infinity, 2, 4, 16])
        #expect(zip(found[1].values, [1, 0, 0.25, 0.75, 1]).allSatisfy { abs($0 - $1) < 1e-15 })
        #expect(found[2].values == [7, 0 * 1 + log3 * 2, 36])
    }

    @Test func numbersOfPairsMustAgree() throws {
        let builder = GraphBuilder(provenance: .model("layer"))
        let attributes = PairAttributes(
            AttentionAttributes(heads: 1, keyHeads: 1, headSize: 1, causal: true),
            rows: PairRows(queries: .named("rows"), pairs: .named("pairs")))
        let pairs = builder.input("scores", .real(.named("pairs"), 1))
        let offsets = builder.input("offsets", .indices(.named("bounds")))
        let pattern = builder.node(.attentionPattern(attributes), pairs, offsets)
        var bindings = Interpreter.Bindings()
        bindings.inputs["scores"] = .real(Matrix64(rows: 3, columns: 1))
        bindings.inputs["offsets"] = .indices([0, 2])
        #expect {
            try Interpreter(builder.finish()).evaluate([pattern.id], bindings: bindings)
        } throws: {
            "\($0)" == "pairs is 3 by input scores but 4 by the offsets of layer"
        }
        bindings.inputs["offsets"] = .indices([2, 0])
        #expect {
            try Interpreter(builder.finish()).evaluate([pattern.id], bindings: bindings)
        } throws: {
            "\($0)" == "layer: the offsets [2, 0] must start at 0, not descend and end at the 0 rows"
        }
    }

    @Test func whatIsRefused() {
        let attention = AttentionAttributes(heads: 2, keyHeads: 1, headSize: 2, causal: true)
        let rows = PairRows(queries: .named("n"), pairs: .named("p"))
        let attributes = PairAttributes(attention, rows: rows)
        let (n, m, p): (Dimension, Dimension, Dimension) = (.named("n"), .named("m"), .named("p"))
        let offsets = ValueType.indices(.named("b"))
        let cross = PairAttributes(attention, rows: PairRows(queries: n, keys: m, pairs: p))
        let bias = PositionBiasAttributes(buckets: 8, maximumDistance: 20, bidirectional: true, rows: rows)
        let cases: [(Operation, [ValueType], String)] = [
            (
                .attentionScores(attributes), [.real(n, 3), .real(n, 2), offsets],
                "attentionScores needs a query of [n, 4], not [n, 3]"
            ),
            (
                .attentionScores(attributes), [.real(n, 4), .real(m, 2), offsets],
                "attentionScores needs a key of [n, 2], not [m, 2]"
            ),
            (
                .attentionPattern(attributes), [.real(p, 1), offsets],
                "attentionPattern needs [p, 2] as input 0, not [p, 1]"
            ),
            (
                .attentionMix(attributes), [.real(p, 2), .real(n, 3), offsets],
                "attentionMix needs a value of [n, 2], not [n, 3]"
            ),
            (
                .attentionPattern(cross), [.real(p, 2), offsets, .indices(.named("c"))],
                "attentionPattern needs as many offsets of keys as of queries"
            ),
            (.positionBias(bias), [.real(7, 2), offsets], "positionBias needs a table of 8 rows, not [7, 2]"),
        ]
        for (operation, types, message) in cases {
            #expect(operation.resultTypes(for: types).mismatch == message)
        }
        var faulty = bias
        faulty.buckets = 7
        #expect(
            Operation.positionBias(faulty).attributeFault == "7 buckets, there must be an even number, at least 4")
        faulty = bias
        faulty.maximumDistance = 2
        #expect(Operation.positionBias(faulty).attributeFault == "a maximum distance of 2, it must be above 2")
        var prefixed = attributes
        prefixed.attention.hasParameterKeys = true
        #expect(
            Operation.attentionMix(prefixed).attributeFault == "parameter keys, which pairs do not have")
    }

    @Test func printing() throws {
        let builder = GraphBuilder()
        let attributes = PairAttributes(
            AttentionAttributes(heads: 1, keyHeads: 1, headSize: 2, scale: 0.5, causal: false),
            rows: PairRows(queries: .named("n"), keys: .named("m"), pairs: .named("p")))
        let bounds = [builder.input("o", .indices(.named("b"))), builder.input("k", .indices(.named("b")))]
        let query = builder.input("q", .real(.named("n"), 2))
        let key = builder.input("x", .real(.named("m"), 2))
        _ = builder.results(.attentionScores(attributes), [query, key] + bounds)
        let bias = PositionBiasAttributes(
            buckets: 4, maximumDistance: 9, bidirectional: true,
            rows: PairRows(queries: .named("n"), pairs: .named("r")))
        _ = builder.node(.positionBias(bias), builder.weight("table", rows: 4, columns: 1), bounds[0])
        let lines = try builder.finish().text().split(separator: "\n").map(String.init)
        #expect(
            lines[4]
                == "%4 = attentionScores(%2, %3, %0, %1, heads: 1, keyHeads: 1, headSize: 2, scale: 0.5, "
                + "causal: false, keys: m, pairs: p) [p, 1]   ; graph")
        #expect(
            lines[6]
                == "%6 = positionBias(%5, %0, buckets: 4, maximumDistance: 9, bidirectional: true, pairs: r) [r, 1]"
                + "   ; graph")
    }
}

extension Result where Failure == TypeMismatch {
    fileprivate var mismatch: String? { if case .failure(let mismatch) = self { mismatch.description } else { nil } }
}
