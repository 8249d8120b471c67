import Foundation
import Testing

@testable import Checkpoints

/// Files for Tests/Reference/checkpoints/check_written.py, which reads them with the reference packages.
@Suite("Files for the reference packages")
struct WrittenFilesTests {
    static let output = ProcessInfo.processInfo.environment["CHECKPOINTS_OUTPUT"]
    let ramp = (0..<6).map(Float.init)

    @Test(
        "Writes one file of each format",
        .enabled(if: output != nil, "set CHECKPOINTS_OUTPUT to the folder that the files shall go to"))
    func write() throws {
        let folder = URL(filePath: try #require(Self.output))
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let sevenths = ramp.map { $0 / 7 }
        let eighths = ramp.map { $0 / 8 }
        try SafetensorsWriter.write(
            [
                try NamedTensor("f32", shape: [2, 3], floats: eighths),
                try NamedTensor("f16", shape: [2, 3], floats: sevenths, as: .f16),
                try NamedTensor("bf16", shape: [2, 3], floats: sevenths, as: .bf16),
                try NamedTensor("f64", shape: [2, 3], floats: eighths, as: .f64),
                try NamedTensor("i64", shape: [2, 3], integers: (0..<6).map { $0 - (1 << 40) }),
                try NamedTensor("i32", shape: [2, 3], integers: (0..<6).map { $0 - 3 }, as: .i32),
                try NamedTensor("scalar ü", shape: [], floats: [2.5]),
                try NamedTensor("empty", shape: [0, 3], floats: []),
            ], metadata: ["format": "pt", "note": "tab\t \"ü\" 😀"],
            to: folder.appendingPathComponent("written.safetensors"))
        try PyTorchWriter.write(
            [
                try NamedTensor("f32", shape: [2, 3], floats: eighths),
                try NamedTensor("f16", shape: [2, 3], floats: sevenths, as: .f16),
                try NamedTensor("bf16", shape: [2, 3], floats: sevenths, as: .bf16),
                try NamedTensor("f64", shape: [2, 3], floats: eighths, as: .f64),
                try NamedTensor("i64", shape: [2, 3], integers: (0..<6).map { $0 - (1 << 40) }),
                try NamedTensor("i32", shape: [2, 3], integers: (0..<6).map { $0 - 3 }, as: .i32),
                try NamedTensor("scalar ü", shape: [], floats: [2.5]),
                try NamedTensor("empty", shape: [0, 3], floats: []),
            ], to: folder.appendingPathComponent("written.bin"))

        // A Q8_0 block: scale 0.5 as f16, then 32 quants of 6.
        let block: [UInt8] = [0x00, 0x38] + [UInt8](repeating: 6, count: 32)
        try GGUFWriter.write(
            metadata: [
                ("general.architecture", .string("controlvector")), ("integer", .int32(-5)), ("real", .float32(0.5)),
                ("flag", .bool(true)), ("texts", .array(GGUFArray(strings: ["a", "", "ü"]))),
                ("numbers", .array(GGUFArray(int32s: [1, -2]))),
            ],
            tensors: [
                try NamedTensor("direction.1", shape: [2, 3], floats: ramp),
                try NamedTensor("half", shape: [2, 3], floats: sevenths, as: .f16),
                try NamedTensor("blocks", shape: [2, 32], bytes: block + block, as: .q8_0),
            ], to: folder.appendingPathComponent("written.gguf"))
    }
}
