import Graph

extension Binder {
    /// Gives hooks of declarations that share parameters the names of those that they share.
    ///
    /// The parameters at layer, head and side p of a declaration are those of the other one at p, or its only ones.
    mutating func shareParameters() {
        let declarations = program.runs.flatMap(\.declarations)
        guard declarations.contains(where: { $0.shares != nil }) else { return }
        let named = Dictionary(declarations.map { ($0.name ?? "", $0) }) { first, _ in first }
        let places = Dictionary(grouping: hooks.indices) { hooks[$0].name }
        for declaration in declarations {
            guard let name = declaration.shares else { continue }
            do throws(InterventionError) {
                let owner = try owner(of: declaration, named: name, among: named, declarations)
                try share(
                    declaration, at: places[declaration.name ?? ""] ?? [], with: owner,
                    at: places[owner.name ?? ""] ?? [])
            } catch {
                report(error, declaration)
            }
        }
    }

    /// The declaration at the end of the chain of those that share.
    private func owner(
        of declaration: Declaration, named name: String, among named: [String: Declaration],
        _ declarations: [Declaration]
    ) throws(InterventionError) -> Declaration {
        var chain = [declaration.name ?? ""]
        var next: String? = name
        var owner = declaration
        while let name = next {
            if let start = chain.firstIndex(of: name) { throw .sharedInCircle(declarations: Array(chain[start...])) }
            guard let other = named[name] else {
                let known = declarations.compactMap(\.name).filter { $0 != declaration.name }
                throw .unknownSharer(name: name, known: known)
            }
            chain.append(name)
            owner = other
            next = other.shares
        }
        return owner
    }

    /// Gives the hooks at some places the parameters of those at others.
    private mutating func share(
        _ declaration: Declaration, at users: [Int], with owner: Declaration, at owners: [Int]
    ) throws(InterventionError) {
        let title = "'\(owner.name ?? "")' (\(owner.location))"
        var sets: [String: [HookParameter]] = [:]
        var paths: [String] = []
        for place in owners where sets[parameterPaths[place]] == nil {
            sets[parameterPaths[place]] = hooks[place].parameters
            paths.append(parameterPaths[place])
        }
        // What is wrong with the owner is reported there.
        guard !paths.isEmpty else { return }
        for place in users {
            guard let shared = sets[parameterPaths[place]] ?? (paths.count == 1 ? sets[paths[0]] : nil) else {
                let known = paths.joined(separator: ", ")
                throw .sharing(other: title, problem: "it has none at \(parameterPaths[place]), only at \(known)")
            }
            hooks[place].parameters = try hooks[place].parameters.map { own throws(InterventionError) in
                try Self.shared(own, among: shared, title)
            }
        }
    }

    private static func shared(
        _ own: HookParameter, among shared: [HookParameter], _ title: String
    ) throws(InterventionError) -> HookParameter {
        let name = own.specification.name
        guard let found = shared.first(where: { $0.specification.name == name }) else {
            let known = shared.map(\.specification.name).joined(separator: ", ")
            throw .sharing(
                other: title, problem: "it has no parameter '\(name)'; it has: \(known.isEmpty ? "none" : known)")
        }
        let (mine, theirs) = (own.specification, found.specification)
        guard (mine.rows, mine.columns) == (theirs.rows, theirs.columns) else {
            throw .sharing(
                other: title,
                problem: "its '\(name)' is [\(theirs.rows), \(theirs.columns)], not [\(mine.rows), \(mine.columns)]")
        }
        guard mine.constraint == theirs.constraint else {
            throw .sharing(
                other: title,
                problem: "its '\(name)' has the constraint '\(theirs.constraint.rawValue)', not "
                    + "'\(mine.constraint.rawValue)'")
        }
        return found
    }
}
