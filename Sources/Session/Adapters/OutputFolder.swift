import Checkpoints
import Foundation
import JSON

/// What a folder that results are written to is meant to hold.
///
/// ```swift
/// try OutputFolder.adapter.check("politeness")   // before a long training, not after it
/// try session.adapter(named: "politeness").write(to: "politeness")
/// ```
public enum OutputFolder: String, Sendable {
    /// An adapter, or the state of a training that was interrupted.
    case adapter
    /// A model that adapters were folded into.
    case foldedModel = "folded model"
    /// A folder of pyreft or pyvene.
    case pyreftFolder = "pyreft folder"

    /// Asks early whether results can be written to a folder, and whether that would put them among files of another kind.
    /// Nothing is left behind.
    /// - Parameter overwriting: Whether a folder is taken whatever it holds.
    /// - Throws: ``SessionError/adapter(path:problem:)``.
    public func check(_ path: String, overwriting: Bool = false) throws(SessionError) {
        guard !path.isEmpty else { throw .adapter(path: "''", problem: "a folder needs a name") }
        let wanted = URL(fileURLWithPath: path).standardizedFileURL
        var folder = wanted
        var isFolder: ObjCBool = false
        while !FileManager.default.fileExists(atPath: folder.path, isDirectory: &isFolder), folder.path != "/" {
            folder.deleteLastPathComponent()
        }
        guard isFolder.boolValue else {
            throw .adapter(path: path, problem: "can not be written: \(folder.path) is a file, not a folder")
        }
        do {
            _ = try AtomicFile(replacing: folder.appendingPathComponent("adapter.json"))
        } catch {
            throw .adapter(path: path, problem: "can not be written: \(folder.path) takes no files")
        }
        guard !overwriting, folder == wanted, !isEarlierResult(folder) else { return }
        let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []).sorted()
        let others = names.filter { !$0.hasPrefix(".") }
        guard !others.isEmpty else { return }
        let shown = others.prefix(3).joined(separator: ", ")
        let rest = others.count > 3 ? " and \(others.count - 3) more" : ""
        throw .adapter(
            path: path,
            problem:
                "is a folder with other files (\(shown)\(rest)), and no earlier \(rawValue); name another folder, or "
                + "add --overwrite")
    }

    /// Whether a folder holds what is written now, from an earlier time.
    private func isEarlierResult(_ folder: URL) -> Bool {
        func document(_ name: String) -> JSONValue? {
            guard let data = try? InputFile.contents(of: folder.appendingPathComponent(name).path) else { return nil }
            return try? JSONValue(parsing: Array(data))
        }
        switch self {
        case .adapter:
            return document(Adapter.descriptionFile)?["format"]?.string == Adapter.format
                || FileManager.default.fileExists(atPath: folder.appendingPathComponent("checkpoint").path)
        case .foldedModel:
            let weights = try? SafetensorsFile(at: folder.appendingPathComponent(FoldedModel.weightsFile))
            return weights?.metadata[FoldedModel.mark.key] == FoldedModel.mark.value
        case .pyreftFolder:
            return document(PyreftFolder.configurationFile).map(PyveneConfiguration.isConfiguration) ?? false
        }
    }
}
