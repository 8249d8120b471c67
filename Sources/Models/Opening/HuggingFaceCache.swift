import Foundation

/// The folder in which Hugging Face's libraries keep downloaded repositories.
///
/// Layout: `models--org--name/refs/main` holds a commit, `models--org--name/snapshots/<commit>` the files.
struct HuggingFaceCache {
    let root: URL

    /// The folder named by `HF_HUB_CACHE`, `HUGGINGFACE_HUB_CACHE`, `HF_HOME`, `XDG_CACHE_HOME`, else `~/.cache`.
    init(environment: [String: String]) {
        func folder(_ name: String) -> URL? {
            environment[name].flatMap {
                $0.isEmpty ? nil : URL(fileURLWithPath: ($0 as NSString).expandingTildeInPath)
            }
        }
        let home =
            environment["HOME"].map { URL(fileURLWithPath: $0) } ?? FileManager.default.homeDirectoryForCurrentUser
        root =
            folder("HF_HUB_CACHE") ?? folder("HUGGINGFACE_HUB_CACHE")
            ?? folder("HF_HOME")?.appendingPathComponent("hub")
            ?? (folder("XDG_CACHE_HOME") ?? home.appendingPathComponent(".cache"))
            .appendingPathComponent("huggingface/hub")
    }

    /// Whether a text could be `name` or `org/name`.
    static func isRepositoryName(_ text: String) -> Bool {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        return parts.count <= 2
            && parts.allSatisfy { part in
                !part.isEmpty && part.first != "." && part.first != "~"
                    && part.allSatisfy { $0.isLetter || $0.isNumber || "-_.".contains($0) }
            }
    }

    /// The folder of a repository.
    func folder(of repository: String) -> URL {
        root.appendingPathComponent("models--" + repository.replacingOccurrences(of: "/", with: "--"))
    }

    /// The names of all repositories in the cache.
    var repositories: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: root.path)) ?? []).sorted()
            .filter { $0.hasPrefix("models--") }
            .map { $0.dropFirst("models--".count).replacingOccurrences(of: "--", with: "/") }
    }

    /// The files of a repository, which may be named without its organisation: of its branch `main`, else of the only snapshot; nil if it is not in the cache.
    /// - Throws: ``ModelError/notAModel(path:reason:)`` for a repository whose download is not complete.
    func snapshot(of repository: String) throws(ModelError) -> URL? {
        guard Self.isRepositoryName(repository) else { return nil }
        let known = repositories
        let namesakes = known.filter { $0.hasSuffix("/\(repository)") }
        guard let found = known.contains(repository) ? repository : namesakes.count == 1 ? namesakes[0] : nil else {
            return nil
        }
        let folder = folder(of: found)
        let snapshots = folder.appendingPathComponent("snapshots")
        let reference = try? String(contentsOf: folder.appendingPathComponent("refs/main"), encoding: .utf8)
        if let commit = reference?.trimmingCharacters(in: .whitespacesAndNewlines), Self.isRepositoryName(commit) {
            let url = snapshots.appendingPathComponent(commit)
            if FileManager.default.fileExists(atPath: url.path) { return url }
        }
        let commits = ((try? FileManager.default.contentsOfDirectory(atPath: snapshots.path)) ?? []).sorted()
        if commits.count == 1 { return snapshots.appendingPathComponent(commits[0]) }
        let reason =
            commits.isEmpty
            ? "the cache has no snapshot of it; download it again"
            : "the cache has several snapshots and no branch main; name a folder in \(snapshots.path)"
        throw .notAModel(path: folder.path, reason: reason)
    }
}
