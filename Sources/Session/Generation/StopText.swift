/// Watches a growing text for texts that end it, and holds back what may become one.
struct StopText {
    let stops: [String]
    private(set) var released = ""
    private var held = ""
    /// Whether a stop text was met; it and what follows are dropped.
    private(set) var isMet = false

    init(_ stops: [String]) { self.stops = stops }

    /// Adds text.
    /// - Returns: what can be shown now.
    mutating func push(_ text: String) -> String {
        guard !isMet else { return "" }
        held += text
        if let stop = stops.compactMap({ held.firstRange(of: $0) }).min(by: { $0.lowerBound < $1.lowerBound }) {
            isMet = true
            return release(String(held[..<stop.lowerBound]), keeping: "")
        }
        let end = held.index(held.endIndex, offsetBy: -pendingLength)
        return release(String(held[..<end]), keeping: String(held[end...]))
    }

    /// Ends the text.
    /// - Returns: what was still held back.
    mutating func finish() -> String { isMet ? "" : release(held, keeping: "") }

    private mutating func release(_ text: String, keeping rest: String) -> String {
        released += text
        held = rest
        return text
    }

    /// The length of the longest end of the held text that begins a stop text.
    private var pendingLength: Int {
        let longest = min(held.count, (stops.map(\.count).max() ?? 1) - 1)
        guard longest > 0 else { return 0 }
        return (1...longest).reversed().first { length in
            let end = held.suffix(length)
            return stops.contains { $0.hasPrefix(end) }
        } ?? 0
    }
}
