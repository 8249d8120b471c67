import Foundation

/// The built `reft` executable, run as a user runs it.
struct ReftProcess {
    /// What came of a run.
    struct Outcome: Equatable {
        var code: Int32
        var output: String
        var errors: String
    }

    /// Beside the test bundle, wherever the package was built.
    static let executable: URL? = {
        let bundle = CommandLine.arguments.lazy.compactMap { argument -> URL? in
            let parts = argument.components(separatedBy: ".xctest")
            return parts.count > 1 ? URL(fileURLWithPath: "\(parts[0]).xctest").deletingLastPathComponent() : nil
        }.first
        let folders = [bundle, Bundle.main.executableURL?.deletingLastPathComponent()].compactMap { $0 }
        return folders.map { $0.appendingPathComponent("reft") }
            .first { FileManager.default.isExecutableFile(atPath: $0.path) }
    }()

    struct NotBuilt: Error {}

    let process = Process()
    private let folder: URL
    private let number = UUID().uuidString

    /// Starts a command in a folder. Output goes to files, which never block.
    init(_ arguments: [String], in folder: URL) throws {
        guard let executable = Self.executable else { throw NotBuilt() }
        self.folder = folder
        process.executableURL = executable
        process.arguments = arguments
        process.currentDirectoryURL = folder
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try Self.file(folder, ".\(number).out")
        process.standardError = try Self.file(folder, ".\(number).err")
        try process.run()
    }

    func finish() throws -> Outcome {
        process.waitUntilExit()
        func text(_ ending: String) throws -> String {
            let data = try Data(contentsOf: folder.appendingPathComponent(".\(number).\(ending)"))
            return String(decoding: data, as: UTF8.self)
        }
        // A signal must not look like an exit code.
        let code = process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
        return Outcome(code: code, output: try text("out"), errors: try text("err"))
    }

    private static func file(_ folder: URL, _ name: String) throws -> FileHandle {
        let url = folder.appendingPathComponent(name)
        try Data().write(to: url)
        return try FileHandle(forWritingTo: url)
    }
}
