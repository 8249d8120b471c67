/// Module paths as Python spells them: `model.layers[3].mlp.down_proj.output`.
extension ComputationGraph {
    /// The input or output of a module of one run by its path, which may leave out its beginning as long as one value is
    /// meant, spell `[3]` as `.3`, and leave out `.output`.
    ///
    /// A component's site comes before the same value under a module's path.
    public func site(atPath path: String, run: String) -> Site? {
        let matches = sites(atPath: path, run: run)
        return matches.count == 1 ? matches[0] : nil
    }

    /// The inputs and outputs that a path can mean: one where it is clear, several with different values where too much
    /// of its beginning is left out, none where no module is called so.
    public func sites(atPath path: String, run: String) -> [Site] {
        let spelled = bracketedModulePath(path)
        for candidate in [spelled, spelled + ".output"] {
            for list in [sites, moduleSites] {
                if let site = list.first(where: { $0.modulePath == candidate && $0.id.run == run }) { return [site] }
            }
        }
        var several: [Site] = []
        for candidate in [spelled, spelled + ".output"] {
            for list in [sites, moduleSites] {
                let matches = list.filter { $0.modulePath.hasSuffix("." + candidate) && $0.id.run == run }
                if let site = matches.first, Set(matches.map(\.value)).count == 1 { return [site] }
                several += matches
            }
        }
        var seen: Set<String> = []
        return several.filter { seen.insert($0.modulePath).inserted }
    }
}

extension SiteID {
    /// The address of a module's input or output: layer 3 of `mlp.down_proj.output` for
    /// `model.layers[3].mlp.down_proj.output`, the whole path where there is no layer in it.
    init(modulePath path: String, run: String) {
        self.init(Component(rawValue: path), run: run)
        guard let open = path.firstIndex(of: "["), let close = path[open...].firstIndex(of: "]"),
            let layer = Int(path[path.index(after: open)..<close])
        else { return }
        let rest = path[path.index(after: close)...].drop { $0 == "." }
        guard !rest.isEmpty else { return }
        self.init(Component(rawValue: String(rest)), layer: layer, run: run)
    }
}

/// The path with each numbered part, and each span of columns, in brackets: `model.layers.3.mlp` becomes
/// `model.layers[3].mlp`.
public func bracketedModulePath(_ path: String) -> String {
    path.split(separator: ".").reduce(into: "") { result, part in
        if part.allSatisfy({ $0.isNumber || $0 == ":" }) {
            result += "[\(part)]"
        } else {
            result += result.isEmpty ? "\(part)" : ".\(part)"
        }
    }
}
