import Graph

extension NeedsPlace {
    /// In one layer of a component.
    public func on(
        _ component: Component, layer: Int, file: String = #fileID, line: UInt = #line
    ) -> WithPlace {
        placed(on: .layers(component, Layers([layer]), heads: nil), at: .swift(file: file, line: line))
    }

    /// In several layers of a component, each with parameters of its own unless tied: `.all`.
    public func on(
        _ component: Component, layers: Layers, file: String = #fileID, line: UInt = #line
    ) -> WithPlace {
        placed(on: .layers(component, layers, heads: nil), at: .swift(file: file, line: line))
    }

    /// In listed layers of a component.
    @_disfavoredOverload
    public func on(
        _ component: Component, layers: [Int], file: String = #fileID, line: UInt = #line
    ) -> WithPlace {
        placed(on: .layers(component, Layers(layers), heads: nil), at: .swift(file: file, line: line))
    }

    /// In a range of layers of a component: `4..<8`, `4...`, `...3`.
    @_disfavoredOverload
    public func on(
        _ component: Component, layers: some RangeExpression<Int>, file: String = #fileID, line: UInt = #line
    ) -> WithPlace {
        placed(on: .layers(component, Layers(layers), heads: nil), at: .swift(file: file, line: line))
    }

    /// On one head of a layer.
    public func on(
        _ component: HeadComponent, layer: Int, head: Int, file: String = #fileID, line: UInt = #line
    ) -> WithPlace {
        placed(on: .layers(component.component, Layers([layer]), heads: [head]), at: .swift(file: file, line: line))
    }

    /// On several heads of a layer, each with parameters of its own unless tied.
    public func on(
        _ component: HeadComponent, layer: Int, heads: [Int], file: String = #fileID, line: UInt = #line
    ) -> WithPlace {
        placed(on: .layers(component.component, Layers([layer]), heads: heads), at: .swift(file: file, line: line))
    }

    /// On the same heads of several layers.
    public func on(
        _ component: HeadComponent, layers: Layers, heads: [Int], file: String = #fileID, line: UInt = #line
    ) -> WithPlace {
        placed(on: .layers(component.component, layers, heads: heads), at: .swift(file: file, line: line))
    }

    /// At a place that exists once per model, a module by its path, or what a selector matches.
    public func on(_ site: ModelSite, file: String = #fileID, line: UInt = #line) -> WithPlace {
        placed(on: site.place, at: .swift(file: file, line: line))
    }

    /// At a place that was read from text.
    @_disfavoredOverload
    public func on(_ place: Place, file: String = #fileID, line: UInt = #line) -> WithPlace {
        placed(on: place, at: .swift(file: file, line: line))
    }
}

// MARK: - Wrong use, with what to write instead

extension NeedsPlace {
    @available(
        *, unavailable,
        message: "this component exists once per layer: add layer: 5, or layers: .all, 4..<8 or [2, 5]"
    )
    public func on(_ component: Component) -> WithPlace {
        placed(on: .model(component), at: .unknown)
    }

    @available(*, unavailable, message: "use `layers:` (plural) for more than one layer")
    public func on(_ component: Component, layer: [Int]) -> WithPlace {
        placed(on: .layers(component, Layers(layer), heads: nil), at: .unknown)
    }

    @available(*, unavailable, message: "use `layers:` (plural) for more than one layer")
    public func on(_ component: Component, layer: some RangeExpression<Int>) -> WithPlace {
        placed(on: .layers(component, Layers(layer), heads: nil), at: .unknown)
    }

    @available(*, unavailable, message: "say which head: add head: 3, or heads: [0, 3]")
    public func on(_ component: HeadComponent, layer: Int) -> WithPlace {
        placed(on: .layers(component.component, Layers([layer]), heads: nil), at: .unknown)
    }
}

extension Declaration {
    @available(*, unavailable, message: "the place is already given; several layers are one place, as in layers: 4..<8")
    public func on(_ component: Component, layer: Int) -> Declaration { self }
}

extension PlacedDeclaration {
    @available(*, unavailable, message: "the place is already given; several layers are one place, as in layers: 4..<8")
    public func on(_ component: Component, layer: Int) -> PlacedDeclaration { self }
}
