import Testing

@testable import Graph

/// A well-formed graph, broken in one place at a time.
@Suite struct VerificationTests {
    private let graph: ComputationGraph

    init() throws {
        let builder = GraphBuilder(provenance: .model("model.layers.0"))
        let rows = Dimension.named("base.rows")
        let x = builder.input("x", .real(rows, 4))  // %0
        let offsets = builder.input("offsets", .indices(.named("base.bounds")))  // %1
        let w = builder.weight("w", rows: 4, columns: 4)  // %2
        let frequencies = builder.constant(
            ConstantTensor(name: "frequencies", rows: 1, columns: 2, values: [1, 0.5]))  // %3
        let y = x.times(w, transposed: true)  // %4
        let attributes = AttentionAttributes(heads: 2, keyHeads: 1, headSize: 2, causal: true, store: 0)
        let k = y.columns(0..<2)  // %5
        let z = builder.node(.attention(attributes), y, k, k, offsets)  // %6
        _ = frequencies.sum(.all)  // %7
        builder.declareSite(
            SiteID(.attentionOutput, layer: 0), z, moduleInput: x, heads: 2,
            modulePath: "model.layers[0].self_attn.output")
        graph = try builder.finish()
    }

    /// What the verifier says after a change.
    private func faults(_ change: (inout ComputationGraph) -> Void) -> [String] {
        var graph = graph
        change(&graph)
        return graph.verify().map(\.description)
    }

    @Test func wellFormed() { #expect(faults { _ in } == []) }

    @Test func order() {
        #expect(
            faults { $0.nodes[4].inputs[1] = ValueID(6, 1) }
                == ["model.layers.0: %4 matmul uses %6.1, which is not computed before it"])
        #expect(
            faults { $0.nodes[4].inputs[0] = ValueID(4) }
                == ["model.layers.0: %4 matmul uses %4, which is not computed before it"])
        #expect(
            faults { $0.nodes[5].inputs = [ValueID(4, 1)] }
                == ["model.layers.0: %5 sliceColumns uses %4.1, which is not computed before it"])
        #expect(
            faults { $0.nodes[7].inputs = [ValueID(-1)] }
                == ["model.layers.0: %7 sum.all uses %-1, which is not computed before it"])
    }

    @Test func types() {
        #expect(
            faults { $0.nodes[7].results = [.real(1, 2)] }
                == ["model.layers.0: %7 sum.all is declared as [1, 2], its inputs give [1, 1]"])
        #expect(
            faults { $0.nodes[6].results.removeLast() }
                == [
                    "model.layers.0: %6 attention is declared as [base.rows, 4], its inputs give [base.rows, 4], "
                        + "[base.rows, 2]"
                ])
        #expect(
            faults { $0.nodes[5].inputs.append(ValueID(0)) }
                == [
                    "model.layers.0: %5 sliceColumns has inputs that it does not accept: sliceColumns takes 1 inputs, 2 were "
                        + "given"
                ])
    }

    @Test func leaves() {
        #expect(
            faults { $0.nodes[7] = Node(.weight("w"), [], [.real(4, 5)], .model("other")) }
                == ["other: %7 is weight w of type [4, 5], which %2 of type [4, 4] already is"])
        #expect(
            faults { $0.nodes[7] = Node(.parameter("r"), [], [.real(.named("n"), 5)], .user("r")) }
                == ["r: %7 parameter r is declared as [n, 5]; tensors have fixed positive extents"])
        #expect(
            faults { $0.nodes[7] = Node(.parameter("r"), [], [.real(.fixed(.max), 2)], .user("r")) }
                == ["r: %7 parameter r is declared as [9223372036854775807, 2]; tensors have fixed positive extents"])
        #expect(
            faults { $0.nodes[7] = Node(.input("i"), [], [ValueType(.index, Shape(4, 2))], .user("i")) }
                == ["i: %7 input i is declared as index[4, 2]; indices have one column"])
        #expect(
            faults { $0.nodes[7] = Node(.input("i"), [ValueID(0)], [.real(1, 1)], .user("i")) }
                == ["i: %7 input is a leaf but has 1 inputs"])
        #expect(
            faults { $0.nodes[7] = Node(.input("i"), [], [], .user("i")) }
                == ["i: %7 input is a leaf with 0 results, not 1"])
        #expect(
            faults { $0.nodes[7] = Node(.scalar(.nan), [], [.real(1, 1)], .user("s")) }
                == ["s: %7 scalar has no number"])
    }

    @Test func constants() {
        #expect(
            faults { $0.nodes[3].operation = .constant(1) }
                == ["model.layers.0: %3 constant 1 does not exist, the graph has 1"])
        #expect(
            faults { $0.constants[0].columns = 3 } == [
                "model.layers.0: %3 constant frequencies is declared as [1, 2], it is [1, 3]",
                "frequencies: constant 0 is said to be 1 × 3 but holds 2 numbers",
            ])
    }

    @Test func attentionAttributes() {
        func faults(_ change: @escaping (inout AttentionAttributes) -> Void) -> [String] {
            self.faults {
                var attributes = AttentionAttributes(heads: 2, keyHeads: 1, headSize: 2, causal: true, store: 0)
                change(&attributes)
                $0.nodes[6].operation = .attention(attributes)
            }
        }
        let start = "model.layers.0: %6 attention has "
        #expect(faults { $0.heads = 0 } == [start + "0 heads, it must be positive"])
        #expect(faults { $0.keyHeads = -1 } == [start + "-1 key heads, it must be positive"])
        #expect(faults { $0.valueSize = 0 } == [start + "0 value columns a head, it must be positive"])
        #expect(faults { $0.scale = .infinity } == [start + "a scale of inf, it must be finite"])
        #expect(faults { $0.softCap = 0 } == [start + "a soft cap of 0.0, it must be positive"])
        #expect(faults { $0.window = 0 } == [start + "a window of 0, it must be positive"])
        #expect(faults { $0.store = -1 } == [start + "store slot -1, slots count from 0"])
    }

    @Test func otherAttributes() {
        let mask = RandomAttributes(.dropoutMask(keep: 0), stream: 0, shape: Shape(1, 1))
        #expect(
            faults { $0.nodes[7].operation = .random(mask) }
                == ["model.layers.0: %7 random has a keep probability of 0.0, it must be above 0 and at most 1"])
        #expect(
            faults { $0.nodes[7].operation = .layerNorm(epsilon: -1) }
                == ["model.layers.0: %7 layerNorm has a negative epsilon, -1.0"])
    }

    @Test func storeSlots() {
        #expect(
            faults { $0.nodes.append($0.nodes[6]) }
                == ["model.layers.0: %8 appends to store slot 0, which belongs to %6"])
    }

    @Test func sites() {
        let path = "model.layers[0].self_attn.output: site attention_output.0 "
        #expect(
            faults { $0.sites[0].value = ValueID(8) } == [path + "names %8, which the graph of 8 nodes does not have"])
        #expect(
            faults { $0.sites[0].moduleInput = ValueID(0, 1) }
                == [path + "names %0.1, which the graph of 8 nodes does not have"])
        #expect(faults { $0.sites[0].width = 6 } == [path + "has width 6, its value %6 is [base.rows, 4]"])
        #expect(faults { $0.sites[0].heads = 3 } == [path + "has 3 heads, which do not divide its width of 4"])
        #expect(faults { $0.sites.append($0.sites[0]) } == [path + "is declared twice"])
        #expect(
            faults { $0.sites[0].id.layer = -1 }
                == [
                    "model.layers[0].self_attn.output: site attention_output.-1 is in layer -1; layers count from 0"
                ])
    }

    @Test func allProblemsAtOnce() {
        #expect(
            faults {
                $0.nodes[7].results = [.real(1, 2)]
                $0.sites[0].width = 6
                $0.constants.append(ConstantTensor(name: "empty", rows: 1, columns: 1, values: []))
            }.count == 3)
    }
}
