import Diagnostics
import Foundation

/// Where a model lies on this machine.
public enum ModelLocation: Hashable, Sendable {
    /// A folder with `config.json` and safetensors.
    case folder(URL)
    /// A GGUF file.
    case gguf(URL)
    /// Nowhere: the model was built by hand under this name.
    case memory(String)

    /// The folder or file.
    public var url: URL {
        switch self {
        case .folder(let url), .gguf(let url): url
        case .memory(let name): URL(fileURLWithPath: name)
        }
    }

    /// Finds a model: a folder, a GGUF file, or a repository name (`org/name`) in the local Hugging Face cache.
    ///
    /// Nothing is downloaded. The organisation may be left out where one repository has the name. A folder whose only
    /// weights are one GGUF file stands for that file.
    /// - Throws: ``ModelError/notFound(given:searched:nearest:)`` with what is near by that name, and
    ///   ``ModelError/notAModel(path:reason:)``.
    public init(
        _ given: String, environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(ModelError) {
        let path = (given as NSString).expandingTildeInPath
        let url = URL(fileURLWithPath: path)
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) {
            self = isFolder.boolValue ? try Self.inFolder(url) : try Self.atFile(url)
            return
        }
        let cache = HuggingFaceCache(environment: environment)
        if let snapshot = try cache.snapshot(of: given) {
            self = try Self.inFolder(snapshot)
            return
        }
        let searched = [url.path] + (HuggingFaceCache.isRepositoryName(given) ? [cache.folder(of: given).path] : [])
        throw .notFound(given: given, searched: searched, nearest: Self.nearest(to: given, at: url, cache: cache))
    }

    private static func inFolder(_ url: URL) throws(ModelError) -> ModelLocation {
        let names = ((try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []).sorted()
        let files = names.filter { $0.hasSuffix(".gguf") }
        let isOnlyGGUF = files.count == 1 && !names.contains { $0.hasSuffix(".safetensors") }
        if names.contains("config.json"), !isOnlyGGUF { return .folder(url) }
        if files.count == 1 { return .gguf(url.appendingPathComponent(files[0])) }
        if files.count > 1 {
            throw .notAModel(
                path: url.path, reason: "it holds several GGUF files; name one of \(files.joined(separator: ", "))")
        }
        if names.contains("adapter.json") {
            throw .notAModel(path: url.path, reason: "it is an adapter; name the model that it was trained on")
        }
        throw .notAModel(path: url.path, reason: "it holds neither config.json nor a GGUF file")
    }

    private static func atFile(_ url: URL) throws(ModelError) -> ModelLocation {
        var status = stat()
        guard stat(url.path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw .notAModel(
                path: url.path,
                reason: "it is a pipe or a device, and weights are mapped where they lie: they need a file")
        }
        if url.pathExtension == "gguf" || startsLikeGGUF(url) { return .gguf(url) }
        let folder = url.deletingLastPathComponent()
        let named = url.lastPathComponent
        if named == "config.json" || named.hasSuffix(".safetensors") || named.hasSuffix(".safetensors.index.json") {
            throw .notAModel(path: url.path, reason: "name its folder, \(folder.path), instead")
        }
        throw .notAModel(path: url.path, reason: "a file must be in the GGUF format")
    }

    private static func startsLikeGGUF(_ url: URL) -> Bool {
        guard let handle = try? FileHandle(forReadingFrom: url) else { return false }
        defer { try? handle.close() }
        return (try? handle.read(upToCount: 4)) == Data("GGUF".utf8)
    }

    /// Up to three names of neighbours in the folder and of repositories in the cache.
    private static func nearest(to given: String, at url: URL, cache: HuggingFaceCache) -> [String] {
        let folder = url.deletingLastPathComponent()
        let prefix = given.contains("/") ? String(given[...(given.lastIndex(of: "/") ?? given.startIndex)]) : ""
        let neighbours = ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []).sorted()
        let nearestFile = nearestName(to: url.lastPathComponent, among: neighbours).map { prefix + $0 }
        return [nearestFile, nearestName(to: given, among: cache.repositories)].compactMap { $0 }
    }
}
