/// Programs or adapters side by side: their edits are added with weights, and all of them see the same rows.
///
///     h + Σ αᵢ (editᵢ(h) − h)
///
/// Where a member edits a value more than once, editᵢ is its whole chain. It is the edits that are averaged, not the
/// matrices: the average of two orthonormal matrices is not orthonormal. Chaining is different: there the second
/// edit sees what the first one gave.
///
/// ```swift
/// Program { Average([(politeness, 0.7), (brevity, 0.3)]) }
/// ```
/// The weights need not add up to 1. In a program file it stands among the declarations:
/// `{ "average": [ { "weight": 0.7, "declarations": […] }, { "weight": 0.3, "declarations": […] } ] }`.
public struct Average: ProgramConvertible {
    /// A program or adapter with its weight.
    public struct Member: Sendable {
        public var content: any ProgramConvertible
        public var weight: Double

        public init(_ content: any ProgramConvertible, weight: Double) {
            self.content = content
            self.weight = weight
        }
    }

    public var members: [Member]

    /// The members with their weights.
    public init(_ members: [(any ProgramConvertible, Double)]) {
        self.members = members.map { Member($0.0, weight: $0.1) }
    }

    /// Members of equal weight, 1 / their number.
    public init(_ members: any ProgramConvertible...) {
        self.members = members.map { Member($0, weight: 1 / Double(members.count)) }
    }

    /// The members of an average that is made anew from changed ones.
    public init(members: [Member]) { self.members = members }

    public var program: Program {
        // Members are counted in each run, those that declare something there.
        var counts: [String: Int] = [:]
        let parts = members.map { member in
            var part = member.content.program
            part = Program(
                runs: part.runs.map { run in
                    let branch = ParallelBranch(group: 0, branch: counts[run.name, default: 0], weight: member.weight)
                    if !run.declarations.isEmpty { counts[run.name, default: 0] += 1 }
                    return ProgramRun(
                        name: run.name,
                        declarations: run.declarations.map { declaration in
                            var changed = declaration
                            changed.branches.insert(branch, at: 0)
                            return changed
                        })
                }, trainable: part.trainable)
            part.overlaps = member.content.program.overlaps
            return part
        }
        var joined = Program(
            runs: ProgramRun.joining(parts.flatMap(\.runs), keepingGroups: true), trainable: parts.flatMap(\.trainable))
        for part in parts { joined.overlaps = joined.overlaps.joined(with: part.overlaps) }
        return joined
    }
}

extension ProgramConvertible {
    /// (1 − weight) parts of this and `weight` parts of another, both seeing the same rows; see ``Average``.
    public func averaged(with other: some ProgramConvertible, weight: Double = 0.5) -> Average {
        Average([(self, 1 - weight), (other, weight)])
    }
}

/// Where a declaration stands within an ``Average``.
public struct ParallelBranch: Hashable, Sendable {
    /// Which average, counted among those of the run, or of the member around it.
    public internal(set) var group: Int
    /// Which member of it.
    public internal(set) var branch: Int
    /// The member's weight.
    public var weight: Double
}

extension ProgramRun {
    /// Runs of the same name joined in order. Averages are counted anew, so that those of different programs stay apart.
    static func joining(_ runs: [ProgramRun], keepingGroups: Bool = false) -> [ProgramRun] {
        var joined: [ProgramRun] = []
        for run in runs {
            guard let place = joined.firstIndex(where: { $0.name == run.name }) else {
                joined.append(run)
                continue
            }
            let known = joined[place].declarations.compactMap { $0.branches.first?.group }.max() ?? -1
            joined[place].declarations += run.declarations.map { declaration in
                guard !keepingGroups, !declaration.branches.isEmpty else { return declaration }
                var changed = declaration
                changed.branches[0].group += known + 1
                return changed
            }
        }
        return joined
    }
}
