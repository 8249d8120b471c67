import SwiftReFT

/// What a selector matches in a model.
struct SelectionReport: Encodable {
    struct Entry: Encodable {
        var site: String
        var layer: Int?
        var head: Int?
        var width: Int
        var rows: String
        var module: String
    }

    var selector: String
    var count: Int
    /// Sites that are the same value under several names count once.
    var distinct: Int
    var sites: [Entry]

    init(sites selected: [SelectedSite], _ selector: String) {
        struct Edited: Hashable {
            var value: ValueID
            var head: Int?
        }
        self.selector = selector
        count = selected.count
        distinct = Set(selected.map { Edited(value: $0.site.value, head: $0.head) }).count
        sites = selected.map {
            Entry(
                site: "\($0.site.id)", layer: $0.site.id.layer, head: $0.head, width: $0.width,
                rows: $0.site.rowSpace.rawValue, module: $0.site.modulePath)
        }
    }

    func show(asJSON: Bool) throws {
        if asJSON { return try Terminal.show(json: self) }
        let isByHead = sites.contains { $0.head != nil }
        let header = ["site"] + (isByHead ? ["head"] : []) + ["width", "rows", "module (Hugging Face)"]
        let rows = sites.map { entry in
            [entry.site] + (isByHead ? [entry.head.map(String.init) ?? "–"] : [])
                + ["\(entry.width)", entry.rows, entry.module]
        }
        Terminal.show(TextTable([header] + rows).text)
        let same = distinct < count ? ", \(distinct) different values" : ""
        let what = (isByHead ? "head" : "site") + (count == 1 ? "" : "s")
        Terminal.show("\(count) \(what)\(same)")
    }
}

/// What a pattern of tensor names matches in a model.
struct WeightReport: Encodable {
    struct Entry: Encodable {
        var name: String
        var shape: [Int]
    }

    var pattern: String
    var count: Int
    var numbers: Int
    var weights: [Entry]

    init(_ weights: [WeightLeaf], _ pattern: String) {
        self.pattern = pattern
        count = weights.count
        numbers = weights.reduce(0) { $0 + $1.count }
        self.weights = weights.map { Entry(name: $0.name, shape: [$0.rows, $0.columns]) }
    }

    func show(asJSON: Bool) throws {
        if asJSON { return try Terminal.show(json: self) }
        Terminal.show(TextTable([["tensor", "shape"]] + weights.map { [$0.name, "\($0.shape)"] }).text)
        Terminal.show("\(count) \(count == 1 ? "tensor" : "tensors"), \(numbers) numbers")
    }
}
