import JSON

extension ComputationGraph {
    /// The graph as JSON, one line for each node, site and constant, the same for the same graph.
    ///
    /// ```json
    /// {"id": "%2", "operation": "matmul", "attributes": {"transposeRight": true}, "inputs": ["%0", "%1"],
    ///  "results": [{"element": "real", "rows": "base.rows", "columns": 64}], "provenance": "model.layers.0.mlp"}
    /// ```
    ///
    /// A symbolic extent is a string, a known one a number. The numbers of constants are left out.
    /// - Parameter outputs: Shows only what these values depend on, and the sites among it; everything if nil.
    public func json(of outputs: [ValueID]? = nil) -> String {
        let shown = shownNodes(outputs)
        let shownNodes = nodes.indices.filter { shown[$0] }.map { node($0).line }
        let shownSites = sites.filter { contains($0.value) && shown[$0.value.node] }.map { site($0).line }
        let shownConstants = constants.map { constant($0).line }
        return """
            {
            "format": "swift-reft/graph",
            "version": 1,
            "nodes": \(block(shownNodes)),
            "sites": \(block(shownSites)),
            "constants": \(block(shownConstants))
            }

            """
    }

    private func block(_ lines: [String]) -> String {
        lines.isEmpty ? "[]" : "[\n\(lines.joined(separator: ",\n"))\n]"
    }

    private func node(_ id: NodeID) -> JSONValue {
        let node = nodes[id]
        return .object([
            .init("id", .string(ValueID(id).description)), .init("operation", .string(node.operation.name)),
            .init("attributes", .object(node.operation.attributes.map { .init($0.name, $0.value.json) })),
            .init("inputs", .array(node.inputs.map { .string($0.description) })),
            .init("results", .array(node.results.map(\.json))),
            .init("provenance", .string(node.provenance.description)),
        ])
    }

    private func site(_ site: Site) -> JSONValue {
        var members: [JSONValue.Member] = [
            .init("id", .string(site.id.description)), .init("run", .string(site.id.run)),
            .init("component", .string(site.id.component.rawValue)),
        ]
        if let layer = site.id.layer { members.append(.init("layer", .integer(layer))) }
        members.append(.init("value", .string(site.value.description)))
        if let input = site.moduleInput { members.append(.init("moduleInput", .string(input.description))) }
        members.append(.init("width", .integer(site.width)))
        if let heads = site.heads { members.append(.init("heads", .integer(heads))) }
        members += [.init("rows", .string(site.rowSpace.rawValue)), .init("modulePath", .string(site.modulePath))]
        return .object(members)
    }

    private func constant(_ tensor: ConstantTensor) -> JSONValue {
        .object([
            .init("name", .string(tensor.name)), .init("rows", .integer(tensor.rows)),
            .init("columns", .integer(tensor.columns)),
        ])
    }
}

extension ValueType {
    fileprivate var json: JSONValue {
        .object([
            .init("element", .string(element.rawValue)), .init("rows", shape.rows.json),
            .init("columns", shape.columns.json),
        ])
    }
}

extension Dimension {
    fileprivate var json: JSONValue {
        switch self {
        case .fixed(let value): .integer(value)
        case .symbol(let symbol): .string(symbol.name)
        }
    }
}

extension AttributeValue {
    fileprivate var json: JSONValue {
        switch self {
        case .integer(let value): .integer(value)
        case .number(let value): .number(value)
        case .flag(let value): .bool(value)
        case .text(let value): .string(value)
        }
    }
}
