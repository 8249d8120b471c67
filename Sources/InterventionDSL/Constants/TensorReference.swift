import JSON

/// A constant tensor that lies in a file beside the program.
public struct TensorReference: Codable, Hashable, Sendable, CustomStringConvertible {
    /// The path of a safetensors file, relative to the program's.
    public var file: String
    /// The tensor's name within the file.
    public var name: String
    public var shape: [Int]
    /// The SHA-256 of its bytes, in hexadecimal digits; nil leaves them unchecked.
    public var hash: String?

    public init(file: String, name: String, shape: [Int], hash: String? = nil) {
        self.file = file
        self.name = name
        self.shape = shape
        self.hash = hash
    }

    public var description: String { "'\(name)' of \(file)" }

    /// The number of elements, where the shape is sane.
    var count: Int? {
        shape.reduce(Int?(1)) { product, extent in
            guard let product, extent >= 0 else { return nil }
            let (next, overflow) = product.multipliedReportingOverflow(by: extent)
            return overflow ? nil : next
        }
    }

    /// Said where no one gave a way to read tensors.
    public struct Unavailable: Error, CustomStringConvertible {
        public var description: String { "nothing was given to read it with" }
        public init() {}
    }
}

/// A row of constant numbers: in memory, or in a file beside the program.
public enum ConstantRow: Hashable, Sendable {
    case numbers([Float])
    case reference(TensorReference)

    /// The number of columns.
    public var width: Int {
        switch self {
        case .numbers(let numbers): numbers.count
        case .reference(let reference): reference.count ?? 0
        }
    }
}

extension ConstantRow: Codable {
    /// Reads a list of numbers or a reference.
    public init(from decoder: any Decoder) throws {
        if var list = try? decoder.unkeyedContainer() {
            var numbers: [Float] = []
            while !list.isAtEnd { numbers.append(try list.decode(Float.self)) }
            self = .numbers(numbers)
        } else {
            self = .reference(try TensorReference(from: decoder))
        }
    }

    /// Writes a list of numbers or a reference.
    public func encode(to encoder: any Encoder) throws {
        switch self {
        case .numbers(let numbers): try numbers.encode(to: encoder)
        case .reference(let reference): try reference.encode(to: encoder)
        }
    }
}

extension ConstantRow {
    /// A list of numbers or a reference, as in program files.
    var json: JSONValue {
        switch self {
        case .numbers(let numbers): .array(numbers.map { .number(Double($0)) })
        case .reference(let reference):
            .object(
                [
                    .init("file", .string(reference.file)), .init("name", .string(reference.name)),
                    .init("shape", .array(reference.shape.map(JSONValue.integer))),
                ] + (reference.hash.map { [.init("hash", .string($0))] } ?? []))
        }
    }
}

extension [Hook] {
    /// The tensors that the hooks refer to, read once each, and those that can not be had.
    func constants(
        _ read: (TensorReference) throws -> [Float]
    ) -> ([TensorReference: [Float]], [ProgramProblem]) {
        var tensors: [TensorReference: [Float]] = [:]
        var problems: [ProgramProblem] = []
        for hook in self {
            let rows = hook.intervention.constantRows.map(ConstantMatrix.init)
            for row in rows + hook.intervention.sources.compactMap(\.constant) {
                guard case .reference(let reference) = row, tensors[reference] == nil else { continue }
                var reason: String?
                do {
                    let numbers = try read(reference)
                    tensors[reference] = numbers
                    if numbers.count != reference.count {
                        reason = "it holds \(numbers.count) numbers where its shape \(reference.shape) is declared"
                    }
                } catch {
                    reason = "\(error)"
                }
                guard let reason else { continue }
                tensors[reference] = []
                problems.append(
                    ProgramProblem(
                        location: "\(hook.location)", declaration: hook.name,
                        error: .missingTensor(reference: "\(reference)", reason: reason)))
            }
        }
        return (tensors, problems)
    }
}
