import Diagnostics

/// Reads a configuration key by key and remembers every mistake, so that one error can name them all.
///
/// A key that nobody has read by the time of ``finish()`` and that is not known to be harmless is a mistake as well:
/// it may change the computation.
struct ConfigurationReader {
    private let configuration: ModelConfiguration
    private let prefix: String
    private var unread: Set<String>
    private var known: Set<String> = []
    private var refused: Set<String> = []
    private(set) var problems: [ConfigurationProblem] = []

    init(_ configuration: ModelConfiguration) { self.init(configuration, prefix: "") }

    private init(_ configuration: ModelConfiguration, prefix: String) {
        self.configuration = configuration
        self.prefix = prefix
        unread = Set(configuration.values.keys)
    }

    /// The value of a key; nil if it is absent or null.
    mutating func value(_ key: String) -> ConfigurationValue? {
        unread.remove(key)
        known.insert(key)
        return configuration.values[key].flatMap { $0 == .null ? nil : $0 }
    }

    /// Whether nothing is wrong with the values of these keys, so that they may be judged together.
    func isSound(_ keys: String...) -> Bool { refused.isDisjoint(with: keys) }

    /// Notes that the value given for a key is not allowed.
    mutating func refuse(_ key: String, allowed: String) {
        refused.insert(key)
        let given = configuration.values[key].map(\.description)
        problems.append(ConfigurationProblem(key: spelling(key), given: given, allowed: allowed))
    }

    /// A whole number within a range. Without a default the key is required.
    mutating func integer(
        _ key: String, default standard: Int? = nil, in range: ClosedRange<Int> = 1...(1 << 24)
    ) -> Int {
        guard let value = value(key) else {
            if standard == nil { refuse(key, allowed: "a whole number is needed") }
            return standard ?? range.lowerBound
        }
        guard let number = value.integer, range.contains(number) else {
            refuse(key, allowed: "allowed are whole numbers from \(range.lowerBound) to \(range.upperBound)")
            return standard ?? range.lowerBound
        }
        return number
    }

    /// A positive number. Without a default the key is required.
    mutating func number(_ key: String, default standard: Double? = nil) -> Double {
        guard let value = value(key) else {
            if standard == nil { refuse(key, allowed: "a number above 0 is needed") }
            return standard ?? 1
        }
        guard let number = value.number, number > 0 else {
            refuse(key, allowed: "allowed are numbers above 0")
            return standard ?? 1
        }
        return number
    }

    /// A positive number, or null for none.
    mutating func optionalNumber(_ key: String, default standard: Double?) -> Double? {
        if configuration.values[key] == nil { return standard }
        return value(key) == nil ? nil : number(key)
    }

    /// True or false.
    mutating func flag(_ key: String, default standard: Bool) -> Bool {
        switch value(key) {
        case nil: return standard
        case .flag(let flag): return flag
        default:
            refuse(key, allowed: "allowed are true and false")
            return standard
        }
    }

    /// One of the names of a table. Without a default the key is required.
    mutating func choice<Choice>(
        _ key: String, default standard: String, among choices: KeyValuePairs<String, Choice>
    ) -> Choice? {
        let given: String
        switch value(key) {
        case nil: given = standard
        case .text(let text): given = text
        case .some(let other): given = other.description
        }
        if let match = choices.first(where: { $0.key == given }) { return match.value }
        refuse(key, allowed: "allowed are \(choices.map { "\"\($0.key)\"" }.joined(separator: ", "))")
        return nil
    }

    /// A key whose other values would change the computation in a way that is not implemented.
    mutating func require(_ key: String, _ allowed: ConfigurationValue, because reason: String? = nil) {
        guard let value = value(key), value != allowed else { return }
        if let number = value.number, number == allowed.number { return }
        refuse(key, allowed: reason ?? "only \(allowed) is supported")
    }

    /// A key that must be absent or null.
    mutating func requireNone(_ key: String, because reason: String) {
        if value(key) != nil { refuse(key, allowed: reason) }
    }

    /// Reads an object with a reader of its own; nil if the key is absent or null.
    mutating func object<Result>(_ key: String, _ body: (inout ConfigurationReader) -> Result) -> Result? {
        guard let value = value(key) else { return nil }
        guard case .object(let members) = value else {
            refuse(key, allowed: "an object is needed")
            return nil
        }
        let inner = ModelConfiguration(
            members, source: configuration.source, spellings: configuration.spellings)
        var reader = ConfigurationReader(inner, prefix: "\(prefix)\(key).")
        let result = body(&reader)
        reader.refuseUnread()
        problems += reader.problems
        return result
    }

    /// Takes the keys that nobody has read for understood.
    mutating func ignoreRest() { unread = [] }

    /// Throws every mistake, keys that nobody read included.
    mutating func finish() throws(ModelError) {
        refuseUnread()
        guard problems.isEmpty else { throw .configuration(file: configuration.source, problems) }
    }

    private mutating func refuseUnread() {
        for key in unread.sorted() where configuration.values[key] != .null && !isHarmless(key) {
            let nearest = nearestName(to: key, among: known.sorted()).map { "; did you mean \"\(prefix)\($0)\"?" } ?? ""
            refuse(key, allowed: "this key is not understood and may change the computation\(nearest)")
        }
        unread = []
    }

    private func isHarmless(_ key: String) -> Bool {
        key.hasPrefix("_") || (prefix.isEmpty && harmlessConfigurationKeys.contains(key))
    }

    private func spelling(_ key: String) -> String {
        configuration.spellings[prefix + key] ?? (prefix + key)
    }
}

/// One thing in a configuration that is absent, wrong or not understood.
public struct ConfigurationProblem: Error, Hashable, Sendable, CustomStringConvertible {
    /// The key, with the keys of the objects around it: `rope_scaling.rope_type`.
    public var key: String
    /// What was given; nil if the key is absent.
    public var given: String?
    /// What is allowed.
    public var allowed: String

    public init(key: String, given: String?, allowed: String) {
        self.key = key
        self.given = given
        self.allowed = allowed
    }

    public var description: String {
        given.map { "\"\(key)\" is \($0): \(allowed)" } ?? "\"\(key)\" is missing: \(allowed)"
    }
}
