import Foundation

/// The course of a number that training changes by a plan rather than by gradients, such as a temperature.
///
///     linear:       value(i) = (1 − p) · start + p · end,   p = i / (n − 1)
///     exponential:  value(i) = start · (end / start)^p
///
/// for step i of n, counted from 0; so the first step has `start` and the last `end`.
public struct ScalarSchedule: Hashable, Sendable {
    /// How it goes from start to end.
    public enum Shape: String, Hashable, Sendable, Codable, CaseIterable {
        case linear, exponential
    }

    public var start: Double
    public var end: Double
    public var shape: Shape

    /// A course from start to end.
    public init(from start: Double, to end: Double, _ shape: Shape = .linear) {
        self.start = start
        self.end = end
        self.shape = shape
    }

    /// A number that stays as it is.
    public static func constant(_ value: Double) -> ScalarSchedule { ScalarSchedule(from: value, to: value) }

    /// The value in a step of so many.
    public func value(step: Int, of count: Int) -> Double {
        guard start != end, count > 1 else { return start }
        let share = min(max(Double(step) / Double(count - 1), 0), 1)
        switch shape {
        case .linear: return (1 - share) * start + share * end
        case .exponential: return share == 1 ? end : start * pow(end / start, share)
        }
    }
}
