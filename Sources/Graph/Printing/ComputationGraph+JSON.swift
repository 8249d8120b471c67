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
        let shownNodes = nodes.indices.filter { shown[$0] }.map { node($0).text }
        let shownSites = sites.filter { contains($0.value) && shown[$0.value.node] }.map { site($0).text }
        let shownConstants = constants.map { constant($0).text }
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

    private func node(_ id: NodeID) -> JSONText {
        let node = nodes[id]
        return .object([
            ("id", .string(ValueID(id).description)), ("operation", .string(node.operation.name)),
            ("attributes", .object(node.operation.attributes.map { ($0.name, $0.value.json) })),
            ("inputs", .array(node.inputs.map { .string($0.description) })),
            ("results", .array(node.results.map(\.json))), ("provenance", .string(node.provenance.description)),
        ])
    }

    private func site(_ site: Site) -> JSONText {
        var members: [(String, JSONText)] = [
            ("id", .string(site.id.description)), ("run", .string(site.id.run)),
            ("component", .string(site.id.component.rawValue)),
        ]
        if let layer = site.id.layer { members.append(("layer", .number(Double(layer)))) }
        members.append(("value", .string(site.value.description)))
        if let input = site.moduleInput { members.append(("moduleInput", .string(input.description))) }
        members.append(("width", .number(Double(site.width))))
        if let heads = site.heads { members.append(("heads", .number(Double(heads)))) }
        members += [("rows", .string(site.rowSpace.rawValue)), ("modulePath", .string(site.modulePath))]
        return .object(members)
    }

    private func constant(_ tensor: ConstantTensor) -> JSONText {
        .object([
            ("name", .string(tensor.name)), ("rows", .number(Double(tensor.rows))),
            ("columns", .number(Double(tensor.columns))),
        ])
    }
}

extension ValueType {
    fileprivate var json: JSONText {
        .object([
            ("element", .string(element.rawValue)), ("rows", shape.rows.json), ("columns", shape.columns.json),
        ])
    }
}

extension Dimension {
    fileprivate var json: JSONText {
        switch self {
        case .fixed(let value): .number(Double(value))
        case .symbol(let symbol): .string(symbol.name)
        }
    }
}

extension AttributeValue {
    fileprivate var json: JSONText {
        switch self {
        case .integer(let value): .number(Double(value))
        case .number(let value): .number(value)
        case .flag(let value): .flag(value)
        case .text(let value): .string(value)
        }
    }
}
