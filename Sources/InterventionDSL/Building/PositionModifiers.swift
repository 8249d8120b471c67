extension NeedsPositions {
    /// At these positions of each sequence: `.all`, `.last`, `.first(7) + .last(7)`.
    public func at(_ positions: Positions, file: String = #fileID, line: UInt = #line) -> WithPositions {
        positioned(at: positions, at: .swift(file: file, line: line))
    }

    // The numeric forms are disfavoured so that an algebra of positions is checked against one overload only.

    /// At these positions of the prompt; negative numbers count from its end.
    @_disfavoredOverload
    public func at(_ positions: Int..., file: String = #fileID, line: UInt = #line) -> WithPositions {
        positioned(at: .at(positions), at: .swift(file: file, line: line))
    }

    /// At these positions of the prompt; negative numbers count from its end.
    @_disfavoredOverload
    public func at(_ positions: [Int], file: String = #fileID, line: UInt = #line) -> WithPositions {
        positioned(at: .at(positions), at: .swift(file: file, line: line))
    }

    /// At a range of positions of the prompt. For an end counted backwards use `.rows(from: 3, through: -1)`.
    @_disfavoredOverload
    public func at(_ positions: ClosedRange<Int>, file: String = #fileID, line: UInt = #line) -> WithPositions {
        positioned(
            at: .rows(from: positions.lowerBound, through: positions.upperBound), at: .swift(file: file, line: line))
    }

    /// At a range of positions of the prompt.
    @_disfavoredOverload
    public func at(_ positions: Range<Int>, file: String = #fileID, line: UInt = #line) -> WithPositions {
        positioned(
            at: positions.isEmpty
                ? .at([]) : .rows(from: positions.lowerBound, through: positions.upperBound - 1),
            at: .swift(file: file, line: line))
    }
}

// MARK: - Wrong use, with what to write instead

extension Declaration {
    @available(
        *, unavailable,
        message: "positions are already given; join several with +, as in .at(.first(7) + .last(7))"
    )
    public func at(_ positions: Positions) -> Declaration { self }
}

extension PositionedDeclaration {
    @available(
        *, unavailable,
        message: "positions are already given; join several with +, as in .at(.first(7) + .last(7))"
    )
    public func at(_ positions: Positions) -> PositionedDeclaration { self }
}
