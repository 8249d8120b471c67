import Foundation
import Testing

@testable import Checkpoints

/// Files of torch.save, made by Tests/Reference/checkpoints/make_pytorch.py.
@Suite("PyTorch files")
struct PyTorchFileTests {
    private let ramp = (0..<6).map(Float.init)

    private func open(_ name: String) throws -> PyTorchFile { try PyTorchFile(at: fixture("pytorch/\(name).bin")) }

    @Test("Every storage type is read") func types() throws {
        let file = try open("all")
        #expect(try file.tensor("f32").floats() == ramp.map { $0 / 8 })
        #expect(try file.tensor("f64").floats() == ramp.map { $0 / 8 })
        #expect(try file.tensor("f16").floats() == ramp.map { Float(Float16($0 / 7)) })
        let bf16 = try file.tensor("bf16")
        #expect(bf16.type == .bf16)
        #expect(zip(bf16.floats(), ramp).allSatisfy { abs($0 - $1 / 7) <= $1 / 7 / 256 })
        #expect(try file.tensor("i64").integers() == (0..<6).map { $0 - (1 << 40) })
        #expect(try file.tensor("i32").integers() == (0..<6).map { $0 - 3 })
        #expect(try file.tensor("i16").integers() == (0..<6).map { $0 - 300 })
        #expect(try file.tensor("i8").integers() == (0..<6).map { $0 - 3 })
        #expect(try file.tensor("u8").integers() == Array(0..<6))
        #expect(try file.tensor("bool").integers() == [1, 0, 1])
        #expect(try file.tensor("scalar").floats() == [2.5])
        #expect(try file.tensor("scalar").shape == [])
        #expect(try file.tensor("empty").shape == [0, 3])
        #expect(try file.tensor("parameter").floats() == ramp)
        #expect(
            file.tensors.map(\.name).prefix(4) == ["f32", "f64", "f16", "bf16"], "tensors are in the table's order")
    }

    @Test("Views are read by their strides") func views() throws {
        let file = try open("all")
        let transposed = try file.tensor("transposed")
        #expect(transposed.shape == [3, 2])
        #expect(transposed.floats() == [0, 3, 1, 4, 2, 5])
        #expect(try file.tensor("part").floats() == [4, 5, 6, 7, 8, 9])
        #expect(try file.tensor("every_second").floats() == [2, 4, 10, 12, 18, 20])
        #expect(try file.tensor("columns").shape == [4, 1])
        #expect(try file.tensor("columns").floats() == [0, 6, 12, 18])
    }

    @Test("The state of a module with its metadata") func module() throws {
        let file = try open("module")
        #expect(file.tensors.map(\.name) == ["weight", "bias"])
        #expect(try file.tensor("weight").floats() == ramp)
        #expect { try file.tensor("weigth") } throws: {
            "\($0)".hasSuffix("has no tensor 'weigth' among its 2. Did you mean 'weight'?")
        }
    }

    @Test("The wide fields of zip64") func wideFields() throws {
        #expect(try open("zip64").tensor("a").floats() == ramp)
    }

    static let refused: [(name: String, error: String)] = [
        (
            "old",
            "'F', byte 0: the format of torch.save before PyTorch 1.6 is not supported; supported: zip archives; "
                + "load the file with a newer PyTorch and save it again."
        ),
        (
            "command",
            "'F', byte 240: 'posix.system' in a pickle is not supported; supported: tensors, parameters, storages, "
                + "torch.Size and OrderedDict."
        ),
        (
            "protocol-4",
            "'F', byte 64: pickle protocol 4 is not supported; supported: protocol 2, as torch.save writes it."
        ),
        ("number", "'F', byte 64: a whole number under 'n' is not supported; supported: tensors."),
        (
            "tensor",
            "'F', byte 64: a tensor instead of a table is not supported; supported: a table of tensors by name."
        ),
        (
            "expanded",
            "'F', byte 222: a tensor [1000] that repeats the 1 elements of its storage is not supported; "
                + "supported: tensors with elements of their own."
        ),
        ("big-endian", "'F', byte 363: another byte order is not supported; supported: little."),
        (
            "compressed",
            "'F', byte 59: the compressed member 'a/data.pkl' (method 8) is not supported; supported: stored members, "
                + "as torch.save writes them."
        ),
        ("no-pickle", "'F' is damaged at byte 0: the archive has no member data.pkl."),
    ]

    @Test("What is not read is refused in a sentence", arguments: refused)
    func refusals(name: String, error: String) throws {
        let url = fixture("pytorch/\(name).bin")
        #expect { try PyTorchFile(at: url) } throws: {
            let text = "\($0)".replacingOccurrences(of: url.path, with: "F")
            if text != error { Issue.record("\(name): \(text)") }
            return text == error
        }
    }

    @Test("A file that is no archive") func noArchive() throws {
        #expect { try PyTorchFile(region(Array("{}".utf8)), path: "file") } throws: {
            "\($0)" == "'file', byte 0: a file that is no zip archive is not supported; "
                + "supported: what torch.save writes since PyTorch 1.6."
        }
        #expect { try PyTorchFile(region(Array("PK\u{3}\u{4}".utf8)), path: "file") } throws: {
            "\($0)" == "'file' is damaged at byte 4: the end record of a zip archive is missing; "
                + "the file may be cut short."
        }
    }

    /// Damage anywhere ends in an error or in tensors that can be read whole: never in a crash.
    @Test("Damaged files", arguments: ["all", "module", "zip64"]) func damage(name: String) throws {
        let bytes = [UInt8](try Data(contentsOf: fixture("pytorch/\(name).bin")))
        var read = 0
        for variant in damagedVariants(of: bytes, count: 3_000, seed: 11, within: bytes.count) {
            guard let file = try? PyTorchFile(region(variant), path: "file") else { continue }
            read += 1
            for tensor in file.tensors { #expect(tensor.floats().count == tensor.elementCount) }
        }
        #expect(read > 0)
    }
}

/// Pickles made by hand, run by the machine alone.
@Suite("Pickles")
struct PickleMachineTests {
    private func error(_ pickle: [UInt8]) -> String? {
        do {
            _ = try pickle.withUnsafeBytes { bytes in
                var machine = PickleMachine(bytes, file: "file", start: 0)
                return try machine.run()
            }
            return nil
        } catch {
            return "\(error)"
        }
    }

    private func text(_ pickle: String) -> [UInt8] { Array(pickle.utf8) }

    static let storage = "(X\u{7}\0\0\0storagectorch\nFloatStorage\nX\u{1}\0\0\00X\u{3}\0\0\0cpuK\u{6}tQ"

    static let cases: [(pickle: String, error: String)] = [
        ("", "'file' is damaged at byte 0: the pickle ends within this opcode."),
        (".", "'file' is damaged at byte 0: the stack is empty."),
        ("N", "'file' is damaged at byte 1: the pickle ends within this opcode."),
        ("NN.", "'file' is damaged at byte 2: values are left over where the pickle stops."),
        ("(N.", "'file' is damaged at byte 2: values are left over where the pickle stops."),
        ("t.", "'file' is damaged at byte 0: no MARK is set."),
        ("h\u{5}.", "'file' is damaged at byte 0: nothing was remembered under 5."),
        ("q\u{5}.", "'file' is damaged at byte 0: the stack is empty."),
        ("Nb.", "'file' is damaged at byte 1: None sets attributes."),
        ("NK\u{1}s.", "'file' is damaged at byte 3: there is no dictionary to set a member of."),
        ("}(K\u{1}u.", "'file' is damaged at byte 4: a key has no value."),
        ("}(X\u{1}\0\0\0aNX\u{1}\0\0\0aNu.", "'file' is damaged at byte 16: a dictionary has a key twice."),
        ("Na.", "'file' is damaged at byte 1: there is no list to append to."),
        ("]q\u{0}h\u{0}a.", "'file' is damaged at byte 5: a list changes after it became part of another value."),
        (
            "]q\u{0}(h\u{0}th\u{0}Na.",
            "'file' is damaged at byte 10: a list changes after it became part of another value."
        ),
        (
            "}q\u{0}Nh\u{0}s.",
            "'file' is damaged at byte 6: a dictionary changes after it became part of another value."
        ),
        ("X\u{1}\0\0\0aNR.", "'file' is damaged at byte 7: a text is called."),
        ("X\u{9}\0\0\0a.", "'file' is damaged at byte 0: the pickle ends within this opcode."),
        (
            "cos\nsystem\n.",
            "'file', byte 0: 'os.system' in a pickle is not supported; supported: tensors, parameters, storages, "
                + "torch.Size and OrderedDict."
        ),
        (
            "ibuiltins\neval\n.",
            "'file', byte 0: the pickle opcode 0x69 'i' is not supported; supported: those of a table of tensors."
        ),
        ("ctorch", "'file' is damaged at byte 0: the name of a class or function does not end."),
        ("ctorch\nSize\nNR.", "'file' is damaged at byte 13: 'torch.Size' is called."),
        ("ctorch\nFloatStorage\n)R.", "'file' is damaged at byte 21: 'torch.FloatStorage' is called with 0 values."),
        ("NQ.", "'file' is damaged at byte 1: a storage has another form than torch's."),
        (
            "ctorch._utils\n_rebuild_tensor_v2\n(\(storage)K\u{1}K\u{6}\u{85}K\u{1}\u{85}\u{89})tR.",
            "'file' is damaged at byte 96: a tensor [6] with strides [1] from 1 on leaves its storage of 6 elements."
        ),
        (
            "ctorch._utils\n_rebuild_tensor_v2\n(\(storage)K\u{0}K\u{2}\u{85}K\u{6}\u{85}\u{89})tR.",
            "'file' is damaged at byte 96: a tensor [2] with strides [6] from 0 on leaves its storage of 6 elements."
        ),
        (
            "ctorch._utils\n_rebuild_tensor_v2\n(\(storage)K\u{0}K\u{2}\u{85})\u{89})tR.",
            "'file' is damaged at byte 94: a tensor has another form than torch's."
        ),
    ]

    @Test("What contradicts the format is named with its byte", arguments: cases)
    func damaged(pickle: String, error wanted: String) {
        // Single bytes, not UTF-8.
        let bytes = pickle.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
        let found = error(bytes)
        #expect(found == wanted)
    }

    @Test("Values do not nest without end") func depth() {
        #expect(
            error(text(String(repeating: "]", count: 1)) + [UInt8](repeating: 0x85, count: 100_000) + text("."))
                == "'file' is damaged at byte 32: values are nested more than 32 deep.")
        var lists: [UInt8] = [UInt8](repeating: UInt8(ascii: "]"), count: 100_000)
        lists += [UInt8](repeating: UInt8(ascii: "a"), count: 99_999) + text(".")
        #expect(error(lists) == "'file' is damaged at byte 100031: values are nested more than 32 deep.")
    }

    @Test("Sizes beyond 64 bits") func sizes() {
        let huge: [UInt8] = [0x8A, 8, 0, 0, 0, 0, 0, 0, 0, 0x40]
        let start = text("ctorch._utils\n_rebuild_tensor_v2\n(\(Self.storage)K\0")
        let end: [UInt8] = [0x89] + text(")tR.")
        #expect(
            error(start + huge + huge + [0x86] + text("K\u{1}K\u{1}") + [0x86] + end)?
                .hasSuffix("the size of shape [4611686018427387904, 4611686018427387904] does not fit 64 bits.") == true
        )
        #expect(
            error(start + text("K\u{3}") + [0x85] + huge + [0x85] + end)?
                .hasSuffix("the strides [4611686018427387904] do not fit 64 bits.") == true)
        #expect(
            error([0x8A, 9] + [UInt8](repeating: 1, count: 9) + text("."))
                == "'file' is damaged at byte 0: a whole number does not fit 64 bits.")
    }
}

/// Tables of tensors written and read again; real PyTorch reads them in check_written.py.
@Suite("Written PyTorch files")
struct PyTorchWriterTests {
    @Test("What is written is read") func roundTrip() throws {
        let folder = try TemporaryFolder()
        let url = folder.url.appendingPathComponent("written.bin")
        let ramp = (0..<6).map(Float.init)
        try PyTorchWriter.write(
            [
                try NamedTensor("weight", shape: [2, 3], floats: ramp),
                try NamedTensor("half", shape: [6], floats: ramp, as: .f16),
                try NamedTensor("embed_dim", shape: [], integers: [1 << 40]),
                try NamedTensor("empty ü", shape: [0, 3], floats: []),
            ], to: url)
        let file = try PyTorchFile(at: url)
        #expect(
            file.tensors.map(\.description) == [
                "weight F32 [2, 3]", "half F16 [6]", "embed_dim I64 []", "empty ü F32 [0, 3]",
            ])
        #expect(try file.tensor("weight").floats() == ramp)
        #expect(try file.tensor("half").floats() == ramp)
        #expect(try file.tensor("embed_dim").integers() == [1 << 40])
    }

    @Test("What can not be written") func refusals() throws {
        let folder = try TemporaryFolder()
        let url = folder.url.appendingPathComponent("written.bin")
        let tensor = try NamedTensor("a", shape: [1], floats: [1])
        #expect(
            folder.error { try PyTorchWriter.write([tensor, tensor], to: url) }
                == "Tensor 'a' is not possible: another tensor has the same name.")
        let blocks = try NamedTensor("b", shape: [1, 32], bytes: [UInt8](repeating: 0, count: 34), as: .q8_0)
        #expect(
            folder.error { try PyTorchWriter.write([blocks], to: url) }
                == "Tensor 'b' is not possible: PyTorch has no Q8_0.")
    }
}
