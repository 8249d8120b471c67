import Graph

/// Skips a module: its output is replaced by its input.
///
/// ```swift
/// Skip().on(.blockOutput, layer: 3).at(.all)
/// ```
public struct Skip: Intervention {
    public init() {}

    public func problems(at site: SiteShape) -> [String] {
        guard let width = site.moduleInputWidth else { return ["it has no module whose input could be read"] }
        return width == site.width ? [] : ["the module's input is \(width) wide, its output \(site.width)"]
    }

    public func edit(_ rows: Value, in context: inout EditContext) throws -> Value { try context.moduleInput() }
}
