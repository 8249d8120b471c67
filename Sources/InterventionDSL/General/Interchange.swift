import Graph

/// Interchange intervention (activation patching): h → s, with the rows s of a source run.
///
/// ```swift
/// Program {
///     Run("clean")
///     Run.base { Interchange(from: "clean").on(.blockOutput, layer: 5).at(3) }
/// }
/// ```
public struct Interchange: Intervention {
    /// Where the rows s come from.
    public var source: SourceReference

    /// From a run, at the place and the positions that are edited.
    public init(from run: String) { source = SourceReference(run: run) }

    /// From another place or other positions.
    public init(from source: SourceReference) { self.source = source }

    public var sources: [SourceReference] { [source] }
    public var keepsRowsEqualToSource: Bool { true }

    public func edit(_ rows: Value, in context: inout EditContext) throws -> Value { try context.source() }
}

/// h → h + s, with the rows s of a source run.
public struct AddSource: Intervention {
    /// Where the rows s come from.
    public var source: SourceReference

    /// From a run, at the place and the positions that are edited.
    public init(from run: String) { source = SourceReference(run: run) }

    /// From another place or other positions.
    public init(from source: SourceReference) { self.source = source }

    public var sources: [SourceReference] { [source] }

    public func edit(_ rows: Value, in context: inout EditContext) throws -> Value { rows + (try context.source()) }
}

/// h → h − s, with the rows s of a source run.
public struct SubtractSource: Intervention {
    /// Where the rows s come from.
    public var source: SourceReference

    /// From a run, at the place and the positions that are edited.
    public init(from run: String) { source = SourceReference(run: run) }

    /// From another place or other positions.
    public init(from source: SourceReference) { self.source = source }

    public var sources: [SourceReference] { [source] }

    public func edit(_ rows: Value, in context: inout EditContext) throws -> Value { rows - (try context.source()) }
}
