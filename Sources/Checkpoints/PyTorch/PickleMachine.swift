/// A machine for the opcodes that a pickled table of tensors consists of. It makes values of ``PickleValue`` and nothing
/// else: no class is looked up, no function called. Any other opcode, class or function is refused by name.
///
/// Memory is bounded by the size of the pickle: an opcode makes at most one value, and containers nest 32 deep at most.
/// Format: Python's Lib/pickletools.py, protocol 2.
struct PickleMachine {
    private let bytes: UnsafeRawBufferPointer
    private let file: String
    /// The byte of the file at which the pickle starts.
    private let start: Int
    private var place = 0
    /// Where the opcode that is being executed stands.
    private(set) var opcodePlace = 0
    private var stack: [PickleValue] = []
    /// Heights of the stack at which MARK was met.
    private var marks: [Int] = []
    private var memo: [Int: PickleValue] = [:]
    private static let maximumDepth = 32

    /// A machine for the pickle `bytes`, which starts at byte `start` of `file`.
    init(_ bytes: UnsafeRawBufferPointer, file: String, start: Int) {
        self.bytes = bytes
        self.file = file
        self.start = start
    }

    /// Runs to STOP and gives the value that is left.
    mutating func run() throws(CheckpointError) -> PickleValue {
        while true {
            opcodePlace = start + place
            let code = try byte()
            if code == UInt8(ascii: ".") { break }
            try execute(code)
        }
        let value = try pop()
        guard stack.isEmpty, marks.isEmpty else { throw failure("values are left over where the pickle stops") }
        return value
    }

    func failure(_ problem: String) -> CheckpointError { .damaged(file: file, offset: opcodePlace, problem: problem) }

    func unsupported(_ given: String, allowed: String) -> CheckpointError {
        .unsupported(file: file, offset: opcodePlace, given: given, allowed: allowed)
    }

    private mutating func execute(_ code: UInt8) throws(CheckpointError) {
        switch code {
        case 0x80:
            let version = try byte()
            guard version == 2 else {
                throw unsupported("pickle protocol \(version)", allowed: "protocol 2, as torch.save writes it")
            }
        case UInt8(ascii: "("): marks.append(stack.count)
        case UInt8(ascii: "N"): stack.append(.none)
        case 0x88: stack.append(.bool(true))
        case 0x89: stack.append(.bool(false))
        case UInt8(ascii: "K"): stack.append(.integer(Int(try byte())))
        case UInt8(ascii: "M"): stack.append(.integer(Int(try number(2))))
        case UInt8(ascii: "J"): stack.append(.integer(Int(Int32(truncatingIfNeeded: try number(4)))))
        case 0x8A: stack.append(.integer(try longInteger()))
        case UInt8(ascii: "G"): stack.append(.real(Double(bitPattern: try number(8).byteSwapped)))
        case UInt8(ascii: "X"): stack.append(.text(try text(Int(try number(4)))))
        case UInt8(ascii: "}"): stack.append(.table(PickleTable()))
        case UInt8(ascii: "]"): stack.append(.list(PickleList()))
        case UInt8(ascii: ")"): stack.append(.tuple(PickleTuple([])))
        case 0x85: try pushTuple(try popLast(1))
        case 0x86: try pushTuple(try popLast(2))
        case 0x87: try pushTuple(try popLast(3))
        case UInt8(ascii: "t"): try pushTuple(try popToMark())
        case UInt8(ascii: "q"): try remember(Int(try byte()))
        case UInt8(ascii: "r"): try remember(Int(try number(4)))
        case UInt8(ascii: "h"): try recall(Int(try byte()))
        case UInt8(ascii: "j"): try recall(Int(try number(4)))
        case UInt8(ascii: "s"): try setItems(try popLast(2))
        case UInt8(ascii: "u"): try setItems(try popToMark())
        case UInt8(ascii: "a"): try append(try popLast(1))
        case UInt8(ascii: "e"): try append(try popToMark())
        case UInt8(ascii: "c"): stack.append(.global(try global()))
        case UInt8(ascii: "Q"): stack.append(.storage(try storage(try pop())))
        case UInt8(ascii: "R"): try reduce()
        case UInt8(ascii: "b"): try build()
        default:
            let printable = (0x21...0x7E).contains(code) ? " '\(Unicode.Scalar(code))'" : ""
            throw unsupported(
                "the pickle opcode 0x\(String(code, radix: 16))\(printable)", allowed: "those of a table of tensors")
        }
    }

    // MARK: Bytes

    private mutating func byte() throws(CheckpointError) -> UInt8 { UInt8(truncatingIfNeeded: try number(1)) }

    /// A little-endian number of `count` bytes.
    private mutating func number(_ count: Int) throws(CheckpointError) -> UInt64 {
        let range = try take(count)
        return range.reduce(UInt64(0)) { $0 | UInt64(bytes[$1]) << UInt64(8 * ($1 - range.lowerBound)) }
    }

    private mutating func take(_ count: Int) throws(CheckpointError) -> Range<Int> {
        guard count <= bytes.count - place else { throw failure("the pickle ends within this opcode") }
        defer { place += count }
        return place..<place + count
    }

    private mutating func text(_ count: Int) throws(CheckpointError) -> String {
        let range = try take(count)
        guard let text = String(validating: bytes[range], as: UTF8.self) else {
            throw failure("a text is not valid UTF-8")
        }
        return text
    }

    /// A two's-complement number of up to eight bytes.
    private mutating func longInteger() throws(CheckpointError) -> Int {
        let count = Int(try byte())
        guard count <= 8 else { throw failure("a whole number does not fit 64 bits") }
        guard count > 0 else { return 0 }
        let unused = UInt64(64 - 8 * count)
        return Int(Int64(bitPattern: try number(count) << unused) >> Int64(unused))
    }

    /// The text up to the next newline.
    private mutating func line() throws(CheckpointError) -> String {
        let begin = place
        while place < bytes.count, place - begin <= 200 {
            if bytes[place] == 0x0A {
                defer { place += 1 }
                guard let text = String(validating: bytes[begin..<place], as: UTF8.self) else { break }
                return text
            }
            place += 1
        }
        throw failure("the name of a class or function does not end")
    }

    // MARK: Stack

    private mutating func pop() throws(CheckpointError) -> PickleValue { try popLast(1)[0] }

    /// The topmost `count` values, in the order in which they were pushed.
    private mutating func popLast(_ count: Int) throws(CheckpointError) -> [PickleValue] {
        guard stack.count - (marks.last ?? 0) >= count else { throw failure("the stack is empty") }
        let values = Array(stack.suffix(count))
        stack.removeLast(count)
        return values
    }

    private mutating func popToMark() throws(CheckpointError) -> [PickleValue] {
        guard let mark = marks.popLast() else { throw failure("no MARK is set") }
        let values = Array(stack[mark...])
        stack.removeSubrange(mark...)
        return values
    }

    private mutating func push(_ value: PickleValue) throws(CheckpointError) {
        try check(depth: value.depth)
        stack.append(value)
    }

    private func check(depth: Int) throws(CheckpointError) {
        if depth > Self.maximumDepth { throw failure("values are nested more than \(Self.maximumDepth) deep") }
    }

    private mutating func pushTuple(_ elements: [PickleValue]) throws(CheckpointError) {
        try push(.tuple(PickleTuple(elements)))
    }

    private mutating func remember(_ number: Int) throws(CheckpointError) {
        guard stack.count > (marks.last ?? 0), let top = stack.last else { throw failure("the stack is empty") }
        memo[number] = top
    }

    private mutating func recall(_ number: Int) throws(CheckpointError) {
        guard let value = memo[number] else { throw failure("nothing was remembered under \(number)") }
        stack.append(value)
    }

    // MARK: Containers

    private mutating func setItems(_ items: [PickleValue]) throws(CheckpointError) {
        guard case .table(let table)? = stack.last, stack.count > (marks.last ?? 0) else {
            throw failure("there is no dictionary to set a member of")
        }
        guard items.count % 2 == 0 else { throw failure("a key has no value") }
        for place in stride(from: 0, to: items.count, by: 2) {
            items[place + 1].close()
            guard !table.isClosed else { throw failure("a dictionary changes after it became part of another value") }
            guard table.set(items[place], items[place + 1]) else {
                throw failure("a dictionary has a key twice")
            }
        }
        try check(depth: table.depth)
    }

    private mutating func append(_ items: [PickleValue]) throws(CheckpointError) {
        guard case .list(let list)? = stack.last, stack.count > (marks.last ?? 0) else {
            throw failure("there is no list to append to")
        }
        for item in items {
            item.close()
            guard !list.isClosed else { throw failure("a list changes after it became part of another value") }
            list.append(item)
        }
        try check(depth: list.depth)
    }

    // MARK: Classes and functions

    private mutating func global() throws(CheckpointError) -> PickleGlobal {
        let name = "\(try line()).\(try line())"
        guard let global = PickleGlobal(rawValue: name) else {
            throw unsupported(
                "'\(name)' in a pickle", allowed: "tensors, parameters, storages, torch.Size and OrderedDict")
        }
        return global
    }

    /// `('storage', torch.FloatStorage, '0', 'cpu', 6)`: where the elements lie when the file is loaded does not matter.
    private func storage(_ identifier: PickleValue) throws(CheckpointError) -> PickledStorage {
        guard let parts = identifier.elements, parts.count == 5, case .text("storage") = parts[0],
            case .global(let global) = parts[1], let type = global.storageType, case .text(let key) = parts[2],
            case .text = parts[3], case .integer(let count) = parts[4], count >= 0
        else { throw failure("a storage has another form than torch's") }
        return PickledStorage(key: key, type: type, count: count)
    }

    /// Stands for a call; only the four that a table of tensors needs.
    private mutating func reduce() throws(CheckpointError) {
        let call = try popLast(2)
        guard case .global(let global) = call[0], let arguments = call[1].elements else {
            throw failure("\(call[0].kind) is called")
        }
        switch (global, arguments.count) {
        case (.orderedDictionary, 0): stack.append(.table(PickleTable()))
        case (.size, 1):
            guard arguments[0].counts != nil else { throw failure("torch.Size is given \(arguments[0].kind)") }
            stack.append(arguments[0])
        case (.rebuildParameter, 3):
            guard case .tensor = arguments[0] else { throw failure("a parameter is made of \(arguments[0].kind)") }
            stack.append(arguments[0])
        case (.rebuildTensor, 6), (.rebuildTensor, 7): stack.append(.tensor(try tensor(arguments)))
        default: throw failure("'\(global.rawValue)' is called with \(arguments.count) values")
        }
    }

    /// `(storage, offset, size, strides, requires_grad, hooks)`.
    private func tensor(_ arguments: [PickleValue]) throws(CheckpointError) -> PickledTensor {
        guard case .storage(let storage) = arguments[0], case .integer(let offset) = arguments[1], offset >= 0,
            let shape = arguments[2].counts, let strides = arguments[3].counts, shape.count == strides.count
        else { throw failure("a tensor has another form than torch's") }
        // An empty tensor reads nothing, whatever its strides.
        guard let count = elementCount(of: shape) else {
            throw failure("the size of shape \(shape) does not fit 64 bits")
        }
        var last = offset
        for (extent, stride) in zip(shape, strides) where count > 0 {
            let (step, overflow) = (extent - 1).multipliedReportingOverflow(by: stride)
            let (sum, beyond) = last.addingReportingOverflow(step)
            guard !overflow, !beyond else { throw failure("the strides \(strides) do not fit 64 bits") }
            last = sum
        }
        guard count == 0 || last < storage.count, offset <= storage.count else {
            throw failure(
                "a tensor \(shape) with strides \(strides) from \(offset) on leaves its storage of \(storage.count) "
                    + "elements")
        }
        guard count <= storage.count else {
            throw unsupported(
                "a tensor \(shape) that repeats the \(storage.count) elements of its storage",
                allowed: "tensors with elements of their own")
        }
        return PickledTensor(storage: storage, offset: offset, shape: shape, strides: strides, place: opcodePlace)
    }

    /// The attributes of a table (`_metadata` of a module's state), which say nothing about tensors.
    private mutating func build() throws(CheckpointError) {
        let state = try pop()
        guard case .table? = stack.last, case .table = state else { throw failure("\(state.kind) sets attributes") }
    }
}
