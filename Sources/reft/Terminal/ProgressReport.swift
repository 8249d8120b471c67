import Foundation

/// Shows how far a long task is: a line that changes on a terminal, now and then a plain line elsewhere.
struct ProgressReport {
    let total: Int
    let unit: String
    private let began = Date()
    private var lastShown = Date.distantPast
    private var lastDecile = 0

    init(total: Int, unit: String) {
        self.total = total
        self.unit = unit
    }

    /// Tells that `done` units are done.
    /// - Parameter detail: What else is worth a glance, such as the loss.
    mutating func update(_ done: Int, _ detail: String) {
        if Terminal.isInteractive {
            guard done == total || Date().timeIntervalSince(lastShown) > 0.1 else { return }
            lastShown = Date()
            Terminal.overwrite("\(bar(done)) \(line(done, detail))")
        } else if done * 10 / max(total, 1) > lastDecile || done == total {
            lastDecile = done * 10 / max(total, 1)
            Terminal.report(line(done, detail))
        }
    }

    /// Ends the changing line.
    func finish() {
        if Terminal.isInteractive { Terminal.report("") }
    }

    private func bar(_ done: Int) -> String {
        let filled = 24 * done / max(total, 1)
        return "[" + String(repeating: "█", count: filled) + String(repeating: "·", count: 24 - filled) + "]"
    }

    private func line(_ done: Int, _ detail: String) -> String {
        let elapsed = Date().timeIntervalSince(began)
        let rate = Double(done) / max(elapsed, 1e-9)
        let rest = Duration.seconds(Double(total - done) / max(rate, 1e-9))
        let rateText =
            rate >= 1 ? String(format: "%.1f %@s/s", rate, unit) : String(format: "%.2f s/%@", 1 / rate, unit)
        return
            "\(done)/\(total) \(unit)s  \(rateText)  \(done < total ? "ETA \(short(rest))" : "in \(short(.seconds(elapsed)))")"
            + "  \(detail)"
    }

    private func short(_ duration: Duration) -> String {
        let seconds = Int(duration.components.seconds)
        return seconds < 60 ? "\(seconds) s" : "\(seconds / 60) min \(seconds % 60) s"
    }
}
