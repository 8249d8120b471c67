import Graph

/// A closure that builds graph operations, for an edit that is not worth a type.
///
/// ```swift
/// Edit("double") { rows, context in rows * 2 }.on(.mlpOutput, layer: 3).at(.last)
/// Edit("mix", from: "clean") { rows, context in (rows + (try context.source())) * 0.5 }
/// ```
/// It is differentiated, drawn and run like any other intervention. A program file holds its name only: what reads the
/// file must know the closure, `InterventionRegistry.general.registering(double)`. Without a name it can not be written.
public struct Edit: Intervention {
    /// What the closure is given and what it makes: the rows, and the context to build in.
    public typealias Body = @Sendable (_ rows: Value, _ context: inout EditContext) throws -> Value

    /// The name under which it is written and registered; nil for one that is not written.
    public let name: String?
    public let sources: [SourceReference]
    private let closures: Closures

    private final class Closures: Sendable {
        let parameters: @Sendable (SiteShape) -> ParameterList
        let body: Body

        init(_ parameters: @escaping @Sendable (SiteShape) -> ParameterList, _ body: @escaping Body) {
            self.parameters = parameters
            self.body = body
        }
    }

    /// A closure, perhaps under a name.
    /// - Parameter parameters: The parameters that one application at a site has.
    public init(
        _ name: String? = nil, parameters: @escaping @Sendable (SiteShape) -> ParameterList = { _ in [] },
        _ body: @escaping Body
    ) {
        self.name = name
        sources = []
        closures = Closures(parameters, body)
    }

    /// A closure that reads rows of a source run, `context.source()`.
    public init(
        _ name: String? = nil, from run: String,
        parameters: @escaping @Sendable (SiteShape) -> ParameterList = { _ in [] }, _ body: @escaping Body
    ) {
        self.init(name, from: [SourceReference(run: run)], parameters: parameters, body)
    }

    /// A closure that reads several sources, `context.source(0)`, `context.source(1)`, ….
    public init(
        _ name: String? = nil, from sources: [SourceReference],
        parameters: @escaping @Sendable (SiteShape) -> ParameterList = { _ in [] }, _ body: @escaping Body
    ) {
        self.name = name
        self.sources = sources
        closures = Closures(parameters, body)
    }

    public var defaultName: String { name ?? "edit" }

    public func parameters(at site: SiteShape) -> ParameterList { closures.parameters(site) }

    public func edit(_ rows: Value, in context: inout EditContext) throws -> Value {
        try closures.body(rows, &context)
    }
}

extension Edit {
    /// Two are equal if they have the same name; without names, if they are the same closure.
    public static func == (left: Edit, right: Edit) -> Bool {
        left.name == right.name && (left.name != nil || left.closures === right.closures)
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(name)
        if name == nil { hasher.combine(ObjectIdentifier(closures)) }
    }

    private enum CodingKeys: String, CodingKey { case name }

    /// A closure can not be read: its name is looked up in the registry by whoever reads a program.
    public init(from decoder: any Decoder) throws {
        throw DecodingError.dataCorrupted(
            .init(codingPath: decoder.codingPath, debugDescription: "a closure is looked up by its name, not read"))
    }

    public func encode(to encoder: any Encoder) throws {
        guard let name else {
            throw EncodingError.invalidValue(
                self,
                .init(
                    codingPath: encoder.codingPath,
                    debugDescription:
                        "a closure without a name can not be written: Edit(\"name\") { rows, context in … }"))
        }
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
    }
}

extension InterventionRegistry {
    /// The registry with closures that program files may name.
    ///
    /// ```swift
    /// let double = Edit("double") { rows, context in rows * 2 }
    /// let program = try Program(json: data, registry: .general.registering(double))
    /// ```
    /// Closures without a name are left out: no file can name them.
    public func registering(_ edits: Edit...) -> InterventionRegistry {
        var registry = self
        for edit in edits { if let name = edit.name { registry.edits[name] = edit } }
        return registry
    }
}
