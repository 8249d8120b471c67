import Graph

/// Steering: h → h + scale · v, with a constant vector v of the site's width.
///
/// ```swift
/// Add(politeness, scale: 4).on(.blockOutput, layer: 12).at(.all)
/// ```
/// In a program file the vector is a list of numbers, or better a reference to a tensor:
/// `{ "type": "Add", "vector": { "file": "v.safetensors", "name": "v", "shape": [576], "hash": "…" }, "scale": 4 }`.
public struct Add: Intervention {
    public var vector: ConstantRow
    public var scale: Double

    /// The vector in memory.
    public init(_ vector: [Float], scale: Double = 1) { self.init(.numbers(vector), scale: scale) }

    /// The vector in memory or in a file.
    public init(_ vector: ConstantRow, scale: Double = 1) {
        self.vector = vector
        self.scale = scale
    }

    public var constantRows: [ConstantRow] { [vector] }

    public func problems(at site: SiteShape) -> [String] {
        vector.width == site.width ? [] : ["its vector has \(vector.width) numbers, the site is \(site.width) wide"]
    }

    public func edit(_ rows: Value, in context: inout EditContext) throws -> Value {
        let vector = try context.constant(vector)
        return rows + (scale == 1 ? vector : vector * scale)
    }

    private enum CodingKeys: String, CodingKey { case vector, scale }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        vector = try container.decode(ConstantRow.self, forKey: .vector)
        scale = try container.decodeIfPresent(Double.self, forKey: .scale) ?? 1
    }
}
