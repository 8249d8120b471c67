import Graph

/// A model's graph with a program compiled into it.
public struct SplicedGraph: Sendable {
    /// The graph; its sites refer to the edited values.
    public let graph: ComputationGraph
    public let mode: EditMode
    /// What the program collects, in declared order.
    public let collected: [CollectedValue]
    /// What edits of generated rows read of earlier steps, as inputs of the decoding graph name it.
    public let kept: [KeptValue]
    /// How much each hook changes, where it was asked for, in the order in which they are spliced.
    public let measured: [MeasuredEdit]
    /// The trained tensors by their name in the parameter store.
    public let parameters: [String: ParameterSpecification]
    /// The index inputs that a batch must bind besides the model's own.
    public let selections: [Selection]
    /// The masks that a batch must bind, of subspaces that examples choose.
    public let masks: [SubspaceMask]
    /// The places of rows of other sequences that a batch must bind.
    public let shuffles: [RowShuffle]
    /// The rows of constant sources that a batch must bind.
    public let constantPlaces: [ConstantRowPlaces]
    let places: [NodeID]
    let newest: [ValueID: ValueID]

    /// What the users of a value of the model's graph read now: the edited value, or the value itself.
    public func edited(_ value: ValueID) -> ValueID { unedited(newest[value] ?? value) }

    /// The value as it is before the edits of its own site. (Edits elsewhere still reach it.)
    public func unedited(_ value: ValueID) -> ValueID { ValueID(places[value.node], value.result) }

    /// Whether a batch must bind the seed, because something random is in the graph.
    public var needsSeed: Bool {
        graph.nodes.contains { if case .random = $0.operation { true } else { false } }
    }
}

/// A value that a program gives to whoever runs it.
public struct CollectedValue: Hashable, Sendable {
    /// The declaration's name, with layer, head and part where it has several.
    public var name: String
    public var value: ValueID
    public var site: SiteID
    /// Which rows they are; nil for all rows of the site.
    public var selection: Selection?

    func moved(by rewired: RewiredGraph) -> CollectedValue {
        var moved = self
        moved.value = rewired.value(value)
        return moved
    }
}

/// A value that is computed with the prompts and read again in every decode step: a site of a source run, or prompt
/// rows that generated rows read.
public struct KeptValue: Hashable, Sendable {
    /// The name of the real input of the decoding graph that holds it, all rows as they were.
    public var name: String
    public var value: ValueID

    func moved(by rewired: RewiredGraph) -> KeptValue { KeptValue(name: name, value: rewired.value(value)) }
}

extension HookGraph {
    /// Compiles the program into a graph of the model it is bound to, or another variant of that graph with the same sites.
    ///
    /// Every later use of an edited site reads the edited value; the edit itself reads the value before it.
    ///
    /// - Parameters:
    ///   - decodingOnly: Leaves out edits that can reach the prompt only, for a graph that is run on generated
    ///     rows: what they did lives on in the key/value store. What edits of generated rows read of other runs and of
    ///     the prompt are inputs of such a graph; the graph of the prompts gives them as ``SplicedGraph/kept``.
    ///   - measures: Adds the norms that a receipt needs, as ``SplicedGraph/measured``.
    /// - Throws: ``ProgramErrors`` where the variant lacks a site or the values would depend on themselves.
    public func splice(
        into graph: ComputationGraph, mode: EditMode, decodingOnly: Bool = false, measures: Bool = false
    ) throws(ProgramErrors) -> SplicedGraph {
        let splicer = Splicer(
            self, into: graph, mode: mode, decodingOnly: decodingOnly, measures: measures)
        splicer.run()
        return try splicer.spliced()
    }
}
