import InterventionDSL
import Session
import Testing

/// What `Noise` adds is level × N(0, 1), in the chosen rows and columns alone: the numbers are our generator's, so that no
/// peer can give them, and their moments are compared with those of the distribution.
@Suite struct NoiseTests {
    /// A family, whether all positions or one are edited, and the subspace.
    static let cells: [(model: String, isSingle: Bool, subspace: [Int]?)] = ["llama", "gpt2"].flatMap { model in
        [(model, true, nil), (model, true, [0, 5, 31]), (model, false, nil), (model, false, [0, 5, 31])]
    }

    /// Four moments of n standard normal numbers, each with the deviation √(variance/n) that it may have.
    @Test(arguments: cells) func addedNumbersAreNormal(model: String, isSingle: Bool, subspace: [Int]?) throws {
        let level = 2.5
        let place = Noise(level: level).on(.blockOutput, layer: 0)
        let program = Program {
            if let subspace {
                (isSingle ? place.at(.last(1)) : place.at(.all)).subspace(subspace)
            } else {
                isSingle ? place.at(.last(1)) : place.at(.all)
            }
        }
        let examples = (0..<40).map { start in
            Example(tokens: (0..<(9 + start % 7)).map { Int32(3 + (start * 11 + $0 * 5) % 90) })
        }
        let session = try Session(PeerFixtures.model(model), program: program)
        let site = try session.sites(matching: ["block_output.0"])
        let edited = try #require(try session.run(examples, collecting: site, seed: 7).collected.first)
        let plain = try #require(
            try Session(PeerFixtures.model(model)).run(examples, collecting: site).collected.first)
        var numbers: [Double] = []
        var row = 0
        for example in examples {
            for position in example.tokens.indices {
                for column in 0..<plain.columns {
                    let index = row * plain.columns + column
                    let added = (Double(edited.values[index]) - Double(plain.values[index])) / level
                    let isEdited =
                        (!isSingle || position == example.tokens.count - 1) && subspace?.contains(column) != false
                    if isEdited {
                        numbers.append(added)
                    } else {
                        #expect(added == 0)
                    }
                }
                row += 1
            }
        }
        let count = Double(numbers.count)
        let expected: [(power: Int, moment: Double, variance: Double)] = [(1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)]
        for (power, moment, variance) in expected {
            let found = numbers.reduce(0) { sum, number in
                sum + (0..<power).reduce(1) { product, _ in product * number }
            }
            #expect(abs(found / count - moment) < 4 * (variance / count).squareRoot(), "moment \(power)")
        }
        #expect(Set(numbers).count > numbers.count * 9 / 10)
    }
}
