import Foundation

/// The learning rate of each optimiser step, as transformers' `get_constant_schedule_with_warmup`,
/// `get_linear_schedule_with_warmup` and `get_cosine_schedule_with_warmup` define it.
///
/// ```swift
/// let schedule = LearningRateSchedule(.linear, peak: 4e-3, warmupSteps: 10, totalSteps: 100)
/// let rate = schedule.rate(atStep: 0)   // 0: warm-up begins at nothing
/// ```
public struct LearningRateSchedule: Hashable, Sendable, Codable {
    /// The course after the warm-up.
    public enum Shape: String, Hashable, Sendable, Codable, CaseIterable {
        /// Stays at the peak.
        case constant
        /// Falls to 0 in a line.
        case linear
        /// Falls to 0 as half a cosine wave.
        case cosine
    }

    public var shape: Shape
    /// The rate at the end of the warm-up.
    public var peak: Double
    /// The steps in which the rate rises from 0 in a line.
    public var warmupSteps: Int
    /// All steps, those of the warm-up included.
    public var totalSteps: Int

    public init(_ shape: Shape, peak: Double, warmupSteps: Int = 0, totalSteps: Int) {
        self.shape = shape
        self.peak = peak
        self.warmupSteps = warmupSteps
        self.totalSteps = totalSteps
    }

    /// The rate of a step, counted from 0.
    public func rate(atStep step: Int) -> Double {
        if step < warmupSteps { return peak * Double(step) / Double(max(1, warmupSteps)) }
        let rest = Double(max(1, totalSteps - warmupSteps))
        switch shape {
        case .constant:
            return peak
        case .linear:
            return peak * max(0, Double(totalSteps - step) / rest)
        case .cosine:
            return peak * max(0, 0.5 * (1 + cos(.pi * Double(step - warmupSteps) / rest)))
        }
    }
}
