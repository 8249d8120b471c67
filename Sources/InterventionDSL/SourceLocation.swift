/// Where a declaration was written: a line of Swift, or a place in a program file.
public enum SourceLocation: Sendable, CustomStringConvertible {
    /// `#fileID` and `#line` of the first modifier.
    case swift(file: String, line: UInt)
    /// The JSON path, `runs[0].declarations[2]`.
    case file(path: String)
    /// An option of the command line, `--train-weights`.
    case option(String)
    /// Made by code that gave no place.
    case unknown

    public var description: String {
        switch self {
        case .swift(let file, let line): "\(file.split(separator: "/").last.map(String.init) ?? file):\(line)"
        case .file(let path), .option(let path): path
        case .unknown: "program"
        }
    }
}
