import Graph

/// A site that a selector or a place means, or one head of it.
public struct SelectedSite: Hashable, Sendable, CustomStringConvertible {
    public var site: Site
    /// Set where a single head is meant.
    public var head: Int?

    public init(site: Site, head: Int? = nil) {
        self.site = site
        self.head = head
    }

    /// The columns of the head; nil for all columns.
    public var columns: Range<Int>? {
        guard let head, let count = site.heads, count > 0 else { return nil }
        let size = site.width / count
        return head * size..<(head + 1) * size
    }

    /// The number of columns.
    public var width: Int { columns?.count ?? site.width }

    /// `block_output.15`, `attention_value_output.5 head 3`.
    public var description: String { "\(site.id)" + (head.map { " head \($0)" } ?? "") }
}

extension ComputationGraph {
    /// The sites of one run that a selector matches, components in the model's order, then modules, then by head.
    ///
    /// A selector is a pattern over the names of sites. Every site has several: `COMPONENT`, `COMPONENT.LAYER`,
    /// `layers[LAYER].COMPONENT` and its module path, of which leading parts and the ending `.output` may be left out.
    /// `*` stands for letters of a name, for one part, or at the end for all parts that follow; spans are numbers such
    /// as `4-8`, `0,2`, `6-` or `[*]`; an ending `.h3`, `.h0,3` or `.h*` chooses heads.
    ///
    /// ```swift
    /// try graph.sites(matching: "layers[4-8].attention_output")   // five sites
    /// try graph.sites(matching: "block_output")                   // every layer
    /// try graph.sites(matching: "layers[*].self_attn.*")          // by module path
    /// try graph.sites(matching: "head_output.5.h0,3")             // two heads
    /// ```
    /// - Throws: ``InterventionError`` for text that is no selector, that matches nothing (with the nearest name), or
    ///   that names layers or heads the model does not have.
    public func sites(
        matching selector: String, run: String = Program.baseName
    ) throws(InterventionError) -> [SelectedSite] {
        try SiteNames(self, run: run).select(PathPattern(selector))
    }
}

/// The sites of a run under all their names.
struct SiteNames {
    private let sites: [Site]
    private var names = PatternNames(of: "site")

    init(_ graph: ComputationGraph, run: String) {
        let components = graph.sites.filter { $0.id.run == run }
        let paths = Set(components.map(\.modulePath))
        let modules = graph.moduleSites.filter { $0.id.run == run && !paths.contains($0.modulePath) }
        sites = components + modules
        var aliases: [Component: [String]] = [:]
        for (name, heads) in HeadComponent.spellings.sorted(by: { $0.key < $1.key }) {
            aliases[heads.component, default: []].append(name)
        }
        for (place, site) in sites.enumerated() {
            addPath(site, place)
            guard place < components.count else {
                // `mlp.gate_proj.output.3`
                if site.id.layer != nil {
                    names.add("\(site.id.component).\(site.id.layer ?? 0)", element: place, isWhole: true)
                }
                continue
            }
            add(site.id.component.rawValue, site, place)
            if site.heads != nil {
                for alias in aliases[site.id.component] ?? [] { add(alias, site, place, meansHeads: true) }
            }
            if !names.known.contains(site.id.component.rawValue) { names.known.append(site.id.component.rawValue) }
        }
    }

    private mutating func addPath(_ site: Site, _ place: Int) {
        if !site.modulePath.isEmpty { names.add(site.modulePath, element: place, isWhole: false) }
        // Without an ending a path means the output.
        if site.modulePath.hasSuffix(".output") {
            names.add(String(site.modulePath.dropLast(7)), element: place, isWhole: false)
        }
    }

    private mutating func add(_ component: String, _ site: Site, _ place: Int, meansHeads: Bool = false) {
        names.add(component, element: place, isWhole: true, meansHeads: meansHeads)
        guard let layer = site.id.layer else { return }
        names.add("\(component).\(layer)", element: place, isWhole: true, meansHeads: meansHeads)
        names.add("layers[\(layer)].\(component)", element: place, isWhole: true, meansHeads: meansHeads)
    }

    func select(_ pattern: PathPattern) throws(InterventionError) -> [SelectedSite] {
        var chosen: [Int: Bool] = [:]
        for name in try names.select(pattern) {
            // `mlp_*` and `*` mean components; only what begins with "head" means heads.
            if name.meansHeads, !pattern.namesHeads { continue }
            chosen[name.element] = (chosen[name.element] ?? false) || name.meansHeads
        }
        var selected: [SelectedSite] = []
        for (place, byHead) in chosen.sorted(by: { $0.key < $1.key }) {
            let site = sites[place]
            guard byHead || pattern.heads != nil else {
                selected.append(SelectedSite(site: site))
                continue
            }
            guard let count = site.heads, count > 0 else { continue }
            selected += try heads(of: site, count, pattern).map { SelectedSite(site: site, head: $0) }
        }
        guard !selected.isEmpty else {
            let known = Set(sites.filter { $0.heads != nil }.map(\.id.component.rawValue)).sorted()
            throw .hasNoHeads(component: pattern.text, known: known)
        }
        return selected
    }

    private func heads(
        of site: Site, _ count: Int, _ pattern: PathPattern
    ) throws(InterventionError) -> [Int] {
        guard let ranges = pattern.heads, !ranges.isEmpty else { return Array(0..<count) }
        var heads: Set<Int> = []
        for range in ranges {
            let last = range.upperBound == .max ? max(range.lowerBound, count - 1) : range.upperBound
            guard last < count else {
                throw .unknownHead(site: "\(site.id)", head: max(range.lowerBound, count), count: count)
            }
            heads.formUnion(range.lowerBound...last)
        }
        return heads.sorted()
    }
}

extension PathPattern {
    /// Whether it begins with the name of heads, or reaches one after `layers[…]`.
    fileprivate var namesHeads: Bool {
        parts.contains { if case .name(let name) = $0 { name.hasPrefix("head") } else { false } }
    }
}

/// The selectors of a list with commas between: a comma within brackets or before a number belongs to a span.
public func selectorList(_ text: String) -> [String] {
    var selectors = [""]
    var depth = 0
    for (place, character) in zip(text.indices, text) {
        switch character {
        case "[": depth += 1
        case "]": depth -= 1
        default: break
        }
        let next = text[text.index(after: place)...].first { !$0.isWhitespace }
        if character == ",", depth == 0, next?.isNumber != true {
            selectors.append("")
        } else {
            selectors[selectors.count - 1].append(character)
        }
    }
    return selectors
}
