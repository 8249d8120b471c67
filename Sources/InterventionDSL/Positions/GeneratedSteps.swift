/// Which generated rows are meant, counted from 0: step 0 is the row of the first token after the prompt.
///
/// The row of step k holds the k-th generated token. In training it is row promptLength + k of the sequence; in
/// generation it is computed by the decode step that reads that token and gives the next one.
enum GeneratedSteps: Hashable, Sendable {
    /// 0, n, 2n, ….
    case every(Int)
    /// From one step through another, both included; without an end, to the last.
    case window(from: Int, through: Int?)
    /// These.
    case list([Int])

    func contains(_ step: Int) -> Bool {
        switch self {
        case .every(let interval): interval > 0 && step.isMultiple(of: interval)
        case .window(let first, let last): step >= first && step <= last ?? .max
        case .list(let steps): steps.contains(step)
        }
    }

    /// Why no row can be meant, or nil.
    var emptiness: String? {
        switch self {
        case .every(let interval):
            interval > 0 ? nil : "every \(interval)-th generated row is none; the interval is at least 1"
        case .window(let first, let last):
            if first < 0 {
                "steps are counted from 0, and \(first) is given"
            } else if let last, last < first {
                "the steps \(first) through \(last) run backwards"
            } else {
                nil
            }
        case .list(let steps):
            if steps.isEmpty {
                "its list of steps is empty"
            } else if let negative = steps.first(where: { $0 < 0 }) {
                "steps are counted from 0, and \(negative) is given"
            } else {
                nil
            }
        }
    }

    /// Whether some step is meant by both, in a sequence that is long enough.
    func meets(_ other: GeneratedSteps) -> Bool {
        switch (self, other) {
        case (.list(let steps), _): return steps.contains { $0 >= 0 && other.contains($0) }
        case (_, .list): return other.meets(self)
        case (.every(let interval), .every(let second)): return interval > 0 && second > 0
        case (.window(let first, let last), .window(let second, let otherLast)):
            return max(first, second, 0) <= min(last ?? .max, otherLast ?? .max)
        case (.every(let interval), .window(let first, let last)):
            guard interval > 0 else { return false }
            let start = max(first, 0)
            let (next, overflow) = ((start - 1) / interval + (start > 0 ? 1 : 0)).multipliedReportingOverflow(
                by: interval)
            return !overflow && next <= last ?? .max
        case (.window, .every): return other.meets(self)
        }
    }
}

extension GeneratedSteps: CustomStringConvertible {
    /// The text form, `generated/3`, `generated:2-5`, `generated:8-`, `generated:0,4`.
    var description: String {
        switch self {
        case .every(let interval): "generated/\(interval)"
        case .window(let first, let last): "generated:\(first)-" + (last.map(String.init) ?? "")
        case .list(let steps): "generated:" + (steps.isEmpty ? "none" : steps.map(String.init).joined(separator: ","))
        }
    }
}

extension Positions {
    /// Every `interval`-th generated row: steps 0, n, 2n, ….
    public static func generated(every interval: Int) -> Positions { Positions(.steps(.every(interval))) }

    /// The generated rows of these steps, counted from 0. A step that an answer does not reach is no error.
    public static func generated(at steps: Int...) -> Positions { Positions(.steps(.list(steps))) }

    /// The generated rows of these steps, counted from 0. A step that an answer does not reach is no error.
    public static func generated(at steps: [Int]) -> Positions { Positions(.steps(.list(steps))) }

    /// The generated rows of a window of steps, both ends included.
    public static func generated(_ window: ClosedRange<Int>) -> Positions {
        Positions(.steps(.window(from: window.lowerBound, through: window.upperBound)))
    }

    /// The generated rows of a window of steps.
    public static func generated(_ window: Range<Int>) -> Positions {
        window.isEmpty
            ? Positions(.steps(.list([])))
            : Positions(.steps(.window(from: window.lowerBound, through: window.upperBound - 1)))
    }

    /// The generated rows from a step on.
    public static func generated(_ window: PartialRangeFrom<Int>) -> Positions {
        Positions(.steps(.window(from: window.lowerBound, through: nil)))
    }
}
