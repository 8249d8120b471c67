import CKernels
import Diagnostics
import Foundation
import Graph

/// The trained tensors of a program by name, with their gradients. Values are f32, row after row, and keep their place
/// in memory, so that executors read them where they are.
///
/// ```swift
/// let store = try ParameterStore(specifications, seed: 7)
/// try executor.run(batch, parameters: store)
/// try store.accumulateGradient(of: "rotation", executor.output(1))
/// try optimizer.step(learningRate: 4e-3)
/// store.clearGradients()
/// ```
public final class ParameterStore {
    /// What each parameter is, in the order in which they were declared.
    public let specifications: [ParameterSpecification]
    /// The seed that first values were drawn with.
    public let seed: UInt64
    let entries: [ParameterEntry]
    private let places: [String: Int]

    /// Makes the parameters with their first values. The same name twice is one shared parameter.
    ///
    /// - Parameter weights: The model's frozen tensors, for parameters that start as one of them.
    /// - Throws: ``RuntimeError/specification(name:problem:)``.
    public init(
        _ specifications: [ParameterSpecification], seed: UInt64, weights: (any WeightSource)? = nil
    ) throws(RuntimeError) {
        var places: [String: Int] = [:]
        var kept: [ParameterSpecification] = []
        for specification in specifications {
            if let place = places[specification.name] {
                guard kept[place] == specification else {
                    throw .specification(
                        name: specification.name, problem: "it is declared twice, and the declarations differ")
                }
                continue
            }
            try specification.check()
            places[specification.name] = kept.count
            kept.append(specification)
        }
        try Self.checkMemory(kept)
        var entries: [ParameterEntry] = []
        for specification in kept {
            let entry = ParameterEntry(specification)
            entry.set(try specification.initialValues(seed: seed, weights: weights))
            entries.append(entry)
        }
        self.specifications = kept
        self.seed = seed
        self.entries = entries
        self.places = places
    }

    /// A value and a gradient of four bytes for each number must fit the machine.
    private static func checkMemory(_ specifications: [ParameterSpecification]) throws(RuntimeError) {
        let bytes = specifications.reduce(0.0) { $0 + 8 * Double($1.count) }
        let available = Double(ProcessInfo.processInfo.physicalMemory)
        guard bytes > available, let largest = specifications.max(by: { $0.count < $1.count }) else { return }
        throw .specification(
            name: largest.name,
            problem: "it is [\(largest.rows), \(largest.columns)]; all parameters with their gradients would take "
                + "\(Int(bytes / 1e9)) GB, and this machine has \(Int(available / 1e9)) GB")
    }

    /// The names in the order of declaration.
    public var names: [String] { specifications.map(\.name) }

    /// The number of trained numbers, as the field counts them.
    public var count: Int { specifications.reduce(0) { $0 + $1.count } }

    /// The values of a parameter where they lie, valid as long as the store.
    /// - Throws: ``RuntimeError/noParameter(name:nearest:)``.
    public func view(of name: String) throws(RuntimeError) -> MatrixView { try entry(name).valueView }

    /// A copy of the values, row after row.
    /// - Throws: ``RuntimeError/noParameter(name:nearest:)``.
    public func values(of name: String) throws(RuntimeError) -> [Float] { try entry(name).valueView.floats() }

    /// Replaces the values. Constraints are the caller's affair.
    /// - Throws: ``RuntimeError/noParameter(name:nearest:)``; ``RuntimeError/parameterShape(name:given:wanted:)``.
    public func set(_ name: String, _ values: [Float]) throws(RuntimeError) {
        let entry = try entry(name)
        guard values.count == entry.specification.count else {
            throw .parameterShape(
                name: name, given: "\(values.count) numbers",
                wanted: "[\(entry.specification.rows), \(entry.specification.columns)]")
        }
        entry.set(values)
    }

    /// Replaces the values of some rows of a parameter.
    /// - Throws: ``RuntimeError/noParameter(name:nearest:)``; ``RuntimeError/parameterShape(name:given:wanted:)``.
    public func set(_ name: String, rowsFrom first: Int, _ values: [Float]) throws(RuntimeError) {
        let entry = try entry(name)
        let (rows, columns) = (entry.specification.rows, entry.specification.columns)
        guard first >= 0, first <= rows, values.count % columns == 0, values.count / columns <= rows - first else {
            throw .parameterShape(
                name: name, given: "\(values.count) numbers from row \(first) on", wanted: "[\(rows), \(columns)]")
        }
        for (place, number) in values.enumerated() { entry.values[first * columns + place] = number }
    }

    /// Moves what has a schedule to its value in a step of so many, counted from 0.
    public func setScheduled(step: Int, of count: Int) {
        for entry in entries {
            guard let schedule = entry.specification.schedule else { continue }
            let value = Float(schedule.value(step: step, of: count))
            entry.set([Float](repeating: value, count: entry.specification.count))
        }
    }

    /// Whether there is a parameter of that name.
    public func contains(_ name: String) -> Bool { places[name] != nil }

    func entry(_ name: String) throws(RuntimeError) -> ParameterEntry {
        guard let place = places[name] else {
            throw .noParameter(name: name, nearest: nearestName(to: name, among: names))
        }
        return entries[place]
    }
}

// MARK: - Gradients

extension ParameterStore {
    /// The gradient so far, with respect to the constrained value.
    /// - Throws: ``RuntimeError/noParameter(name:nearest:)``.
    public func gradient(of name: String) throws(RuntimeError) -> MatrixView { try entry(name).gradientView }

    /// Adds to a parameter's gradient; the pieces of one optimiser step add up. A parameter that gets none, because the
    /// loss does not depend on it or not by way of a derivative, is left alone by the optimiser, decay included.
    /// - Throws: ``RuntimeError/parameterShape(name:given:wanted:)`` for a gradient of another shape.
    public func accumulateGradient(of name: String, _ gradient: MatrixView) throws(RuntimeError) {
        let entry = try entry(name)
        let (rows, columns) = (entry.specification.rows, entry.specification.columns)
        guard gradient.rows == rows, gradient.columns == columns else {
            throw .parameterShape(
                name: name, given: "a gradient of [\(gradient.rows), \(gradient.columns)]",
                wanted: "[\(rows), \(columns)]")
        }
        entry.hasGradient = true
        ck_add_scaled(
            Int64(rows), Int64(columns), entry.gradient, Int64(columns), 1, gradient.pointer, Int64(gradient.stride),
            entry.gradient, Int64(columns))
    }

    /// Sets all gradients to zero, for the next optimiser step.
    public func clearGradients() {
        for entry in entries {
            entry.gradient.update(repeating: 0, count: entry.specification.count)
            entry.hasGradient = false
        }
    }
}

/// The memory of one parameter.
final class ParameterEntry {
    let specification: ParameterSpecification
    let values: UnsafeMutablePointer<Float>
    let gradient: UnsafeMutablePointer<Float>
    /// Whether anything has been added to the gradient since it was cleared.
    var hasGradient = false

    init(_ specification: ParameterSpecification) {
        self.specification = specification
        values = .allocate(capacity: specification.count)
        values.initialize(repeating: 0, count: specification.count)
        gradient = .allocate(capacity: specification.count)
        gradient.initialize(repeating: 0, count: specification.count)
    }

    deinit {
        values.deallocate()
        gradient.deallocate()
    }

    var valueView: MatrixView { view(values) }
    var gradientView: MatrixView { view(gradient) }

    /// The count has been checked.
    func set(_ numbers: [Float]) {
        for (place, number) in numbers.enumerated() { values[place] = number }
    }

    private func view(_ pointer: UnsafeMutablePointer<Float>) -> MatrixView {
        MatrixView(
            pointer: UnsafePointer(pointer), rows: specification.rows, columns: specification.columns,
            stride: specification.columns)
    }
}
