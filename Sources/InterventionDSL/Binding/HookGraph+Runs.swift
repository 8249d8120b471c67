import Graph

extension HookGraph {
    /// The other runs that the declarations of a run read, each once, in the order in which they are spliced.
    public func runs(readBy run: String) -> [String] {
        let read = Set(hooks.filter { $0.site.run == run }.flatMap(\.sources).map(\.site.run))
        return runs.filter { $0 != run && read.contains($0) }
    }

    /// The runs that must be computed: the base run, those in which something is collected, the given ones, and all
    /// that these read. Each comes after those that it reads, but where runs read each other.
    ///
    /// A run that is not among them is declared and read by nobody; it needs no sequences.
    public func runs(neededFor asked: Set<String> = []) -> [String] {
        var needed = asked.union(collectingRuns)
        needed.insert(Program.baseName)
        var unvisited = Array(needed)
        while let run = unvisited.popLast() {
            for other in runs(readBy: run) where needed.insert(other).inserted { unvisited.append(other) }
        }
        return runs.filter(needed.contains)
    }

    /// The same with a note on each run that is declared and read by nobody: what it does reaches no result, except
    /// where its sites are asked for by name.
    func notingUnreadRuns() -> HookGraph {
        var noted = self
        let needed = runs(neededFor: [])
        // The encoder of a run is read by the model itself.
        for run in runs where !needed.contains(run) && RunInputs.decoder(ofEncoder: run) == nil {
            noted.notes.append(
                ProgramProblem(
                    location: "program", declaration: "",
                    error: .unreadRun(name: run, isEdited: hooks.contains { $0.site.run == run })))
        }
        return noted
    }
}
