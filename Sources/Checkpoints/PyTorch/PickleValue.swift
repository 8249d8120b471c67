/// What the values of a pickled table of tensors can be.
enum PickleValue {
    case none
    case bool(Bool)
    case integer(Int)
    case real(Double)
    case text(String)
    case tuple(PickleTuple)
    case list(PickleList)
    case table(PickleTable)
    case global(PickleGlobal)
    case storage(PickledStorage)
    case tensor(PickledTensor)

    /// What it is, for messages.
    var kind: String {
        switch self {
        case .none: "None"
        case .bool: "a truth value"
        case .integer: "a whole number"
        case .real: "a number"
        case .text: "a text"
        case .tuple: "a tuple"
        case .list: "a list"
        case .table: "a dictionary"
        case .global(let global): "'\(global.rawValue)'"
        case .storage: "a storage"
        case .tensor: "a tensor"
        }
    }

    /// How many containers lie in each other.
    var depth: Int {
        switch self {
        case .tuple(let tuple): tuple.depth
        case .list(let list): list.depth
        case .table(let table): table.depth
        default: 0
        }
    }

    /// The elements of a tuple.
    var elements: [PickleValue]? {
        if case .tuple(let tuple) = self { tuple.elements } else { nil }
    }

    /// A tuple of whole numbers that are not negative.
    var counts: [Int]? {
        guard let elements else { return nil }
        var counts: [Int] = []
        for element in elements {
            guard case .integer(let count) = element, count >= 0 else { return nil }
            counts.append(count)
        }
        return counts
    }

    /// A container that became part of another one never changes again: so no container holds itself, and depths are
    /// final when they are counted.
    func close() {
        switch self {
        case .list(let list): list.isClosed = true
        case .table(let table): table.isClosed = true
        default: break
        }
    }
}

/// A tuple.
struct PickleTuple {
    let elements: [PickleValue]
    let depth: Int

    init(_ elements: [PickleValue]) {
        for element in elements { element.close() }
        self.elements = elements
        depth = 1 + (elements.map(\.depth).max() ?? 0)
    }
}

/// A list, of which nobody reads the elements.
final class PickleList {
    var depth = 1
    var isClosed = false

    func append(_ value: PickleValue) {
        value.close()
        depth = max(depth, 1 + value.depth)
    }
}

/// A `dict` or an `OrderedDict`.
final class PickleTable {
    /// Keys are texts; others stand in tables that nobody reads, and count for the depth alone.
    private(set) var members: [(key: String, value: PickleValue)] = []
    private(set) var hasOtherKeys = false
    private var keys: Set<String> = []
    private(set) var depth = 1
    var isClosed = false

    /// False for a text that is a key already.
    func set(_ key: PickleValue, _ value: PickleValue) -> Bool {
        value.close()
        depth = max(depth, 1 + value.depth)
        guard case .text(let name) = key else {
            hasOtherKeys = true
            return true
        }
        guard keys.insert(name).inserted else { return false }
        members.append((name, value))
        return true
    }
}

/// The classes and functions that a table of tensors names. Nothing is ever imported or called.
enum PickleGlobal: String, CaseIterable {
    case orderedDictionary = "collections.OrderedDict"
    case rebuildTensor = "torch._utils._rebuild_tensor_v2"
    case rebuildParameter = "torch._utils._rebuild_parameter"
    case size = "torch.Size"
    case doubleStorage = "torch.DoubleStorage"
    case floatStorage = "torch.FloatStorage"
    case halfStorage = "torch.HalfStorage"
    case bfloat16Storage = "torch.BFloat16Storage"
    case longStorage = "torch.LongStorage"
    case intStorage = "torch.IntStorage"
    case shortStorage = "torch.ShortStorage"
    case charStorage = "torch.CharStorage"
    case byteStorage = "torch.ByteStorage"
    case boolStorage = "torch.BoolStorage"

    /// How the elements of a storage class are stored.
    var storageType: StorageType? {
        switch self {
        case .doubleStorage: .f64
        case .floatStorage: .f32
        case .halfStorage: .f16
        case .bfloat16Storage: .bf16
        case .longStorage: .i64
        case .intStorage: .i32
        case .shortStorage: .i16
        case .charStorage: .i8
        case .byteStorage: .u8
        case .boolStorage: .bool
        default: nil
        }
    }

    /// The storage class of a type; nil for types that torch does not have.
    init?(storing type: StorageType) {
        guard let global = Self.allCases.first(where: { $0.storageType == type }) else { return nil }
        self = global
    }
}

/// A run of elements of one type in a member of the archive.
struct PickledStorage {
    /// The member's name after `data/`.
    var key: String
    var type: StorageType
    /// The number of elements.
    var count: Int
}

/// A view of a storage.
struct PickledTensor {
    var storage: PickledStorage
    /// The element of the storage at which it starts.
    var offset: Int
    var shape: [Int]
    /// Steps in elements, one for each dimension.
    var strides: [Int]
    /// Where it stands in the file.
    var place: Int
}
