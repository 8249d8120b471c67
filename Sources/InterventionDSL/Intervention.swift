import Graph

/// What is done to rows of hidden states: a parameter list, and a body that builds graph operations.
///
/// A type of one's own needs nothing else; it is differentiated, fused, drawn and stored like the built-in ones.
///
/// ```swift
/// struct GatedShift: Intervention {
///     var strength: Double
///     func parameters(at site: SiteShape) -> ParameterList {
///         [ParameterSpecification("direction", 1, site.width, initialiser: .zeros)]
///     }
///     func edit(_ rows: Value, in context: inout EditContext) throws -> Value {
///         let gate = rows.sum(.columns).applying(.sigmoid)
///         return rows + gate * (try context.parameter("direction")) * strength
///     }
/// }
/// ```
/// `Codable` makes it part of program files; a registry that names the type reads it back.
public protocol Intervention: Codable, Hashable, Sendable, NeedsPlace, NeedsPositions
where WithPlace == PlacedDeclaration, WithPositions == PositionedDeclaration {
    /// The name of the type in program files; the type's own name unless given.
    static var kind: String { get }
    /// How a declaration is called that is given no name; the kind in lower case unless given.
    var defaultName: String { get }
    /// What it reads besides the rows that it edits, in the order in which ``EditContext/source(_:)`` counts them.
    var sources: [SourceReference] { get }
    /// The constant tensors that it uses; those in files are read when a program is bound. None unless given.
    var constantRows: [ConstantRow] { get }
    /// Whether it leaves every row as it is and overlaps nothing. False unless given.
    var onlyReads: Bool { get }
    /// Whether a row stays as it is, to the bit and whatever the parameters, where each source row read for it equals it.
    /// False unless given. Where it is known that rows are equal, as those before the first different token of two
    /// unedited runs, such an edit is left out.
    var keepsRowsEqualToSource: Bool { get }
    /// The constant matrices that it uses; those in files are frozen weights of the graph. None unless given.
    var constantMatrices: [ConstantMatrix] { get }
    /// The parameters that one application at a site has.
    func parameters(at site: SiteShape) -> ParameterList
    /// What makes it impossible at a site, such as a rank larger than the width. A sentence each; none unless given.
    func problems(at site: SiteShape) -> [String]
    /// What a subspace selects from at a site; the columns of the rows unless given.
    func coordinates(at site: SiteShape) -> SubspaceCoordinates
    /// The new rows, of the same shape as the rows given.
    func edit(_ rows: Value, in context: inout EditContext) throws -> Value
}

/// The parameters of one application of an intervention.
public typealias ParameterList = [ParameterSpecification]

extension Intervention {
    public static var kind: String { String(describing: Self.self) }
    public var defaultName: String { Self.kind.lowercased() }
    public var sources: [SourceReference] { [] }
    public var constantRows: [ConstantRow] { [] }
    public var onlyReads: Bool { false }
    public var keepsRowsEqualToSource: Bool { false }
    public var constantMatrices: [ConstantMatrix] { [] }
    public func parameters(at site: SiteShape) -> ParameterList { [] }
    public func problems(at site: SiteShape) -> [String] { [] }
    public func coordinates(at site: SiteShape) -> SubspaceCoordinates { .columns }

    /// Equality of interventions whose types are not known.
    func equals(_ other: any Intervention) -> Bool { (other as? Self) == self }
}

/// What an intervention is told about the place where it acts.
public struct SiteShape: Hashable, Sendable, CustomStringConvertible {
    public var site: SiteID
    /// Set where a single head is edited.
    public var head: Int?
    /// The columns of the rows that are edited: of the component, or of one head.
    public var width: Int
    public var rowSpace: RowSpace
    /// The columns of the input of the module whose output this is.
    public var moduleInputWidth: Int?

    public init(
        site: SiteID, head: Int? = nil, width: Int, rowSpace: RowSpace = .tokens, moduleInputWidth: Int? = nil
    ) {
        self.site = site
        self.head = head
        self.width = width
        self.rowSpace = rowSpace
        self.moduleInputWidth = moduleInputWidth
    }

    /// `block_output.15`, `attention_value_output.5 head 3`.
    public var description: String { "\(site)" + (head.map { " head \($0)" } ?? "") }
}

/// Rows that an intervention reads: from a run, by default at the place and the positions that it edits, or constant
/// ones.
///
/// ```swift
/// Interchange(from: SourceReference(run: "clean", positions: .last)).on(.blockOutput, layer: 5).at(3)
/// Interchange(from: .constant(mean)).on(.blockOutput, layer: 5).at(.all)
/// Interchange(from: .constant([[0, 1], [1, 0]])).on(.blockOutput, layer: 5).at(3, 4)   // row 0 at 3, row 1 at 4
/// ```
public struct SourceReference: Hashable, Sendable {
    /// Nil where the rows are constant.
    public var run: String?
    /// One site; nil for the one that is edited.
    public var place: Place?
    /// As many rows of each sequence as are edited, or one; nil for the positions that are edited.
    public var positions: Positions?

    /// One row for all that are edited, or one for each that a sequence gives to the edit; nil where a run is read.
    public var constant: ConstantMatrix?

    public init(run: String, place: Place? = nil, positions: Positions? = nil) {
        self.run = run
        self.place = place
        self.positions = positions
    }

    private init(constant: ConstantMatrix) { self.constant = constant }

    /// Rows of numbers, or a tensor [rows, columns] in a file beside the program. One row serves each row that is edited;
    /// of several the k-th is for the k-th row that a sequence gives to the edit, and there must be as many.
    public static func constant(_ rows: ConstantMatrix) -> SourceReference { SourceReference(constant: rows) }

    /// The same row for each row that is edited, from numbers or from a file beside the program.
    @_disfavoredOverload
    public static func constant(_ row: ConstantRow) -> SourceReference {
        SourceReference(constant: ConstantMatrix(row))
    }

    /// Row k for the k-th row that a sequence gives to the edit.
    public static func constant(_ rows: [[Float]]) -> SourceReference { constant(.numbers(rows)) }

    /// The same row of numbers for each row that is edited.
    public static func constant(_ numbers: [Float]) -> SourceReference { constant(.numbers([numbers])) }
}

/// Whether a graph is built for training or for evaluation.
public enum EditMode: String, Hashable, Sendable, Codable {
    /// Dropout acts.
    case train
    /// Dropout does nothing.
    case evaluate
}
