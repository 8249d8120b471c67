import Foundation
import Graph
import InterventionDSL
import ReFTPresets
import Testing

@Suite struct HookGraphTextTests {
    static let program = Program {
        Run("clean")
        Run.base {
            LobiReFT(rank: 1).on(.blockOutput, layers: [0, 2]).at(.last).tied(across: .layers).scaled(0.5)
            Interchange(from: "clean").on(.headOutput, layer: 1, head: 0).at(.last)
            Scale(by: 2).on(.logits).at(.last)
            Zero().on(.blockOutput, layer: 0).at(.all).named("last word")
        }
    }

    @Test func people() throws {
        let text = try Self.program.bound(to: ToyModel(runs: ["clean", "base"]).graph).description
        let first = try #require(Self.program.declarations[0].location.description.split(separator: ":").last)
        let line = try #require(Int(first))
        #expect(
            text == """
                5 edits in order, 2 parameter tensors, 9 trained numbers
                clean: no interventions
                base:
                  #0 lobireft: LobiReFT on block_output.0 [8] at l1 = select.0, scaled by 0.5   ; \
                HookGraphTextTests.swift:\(line)
                     parameter lobireft.rotation [8, 1] orthonormalColumns
                     parameter lobireft.bias [1, 1]
                  #0 lobireft: LobiReFT on block_output.2 [8] at l1 = select.0, scaled by 0.5   ; \
                HookGraphTextTests.swift:\(line)
                     parameter lobireft.rotation [8, 1] orthonormalColumns
                     parameter lobireft.bias [1, 1]
                  #1 interchange: Interchange on attention_value_output.1 head 0 [4] at l1 = select.0   ; \
                HookGraphTextTests.swift:\(line + 1)
                     reads clean:attention_value_output.1 at select.1
                  #2 scale: Scale on logits [10] at l1 = select.2   ; HookGraphTextTests.swift:\(line + 2)
                  #3 last word: Zero on block_output.0 [8] at all rows   ; HookGraphTextTests.swift:\(line + 3)
                tied parameters:
                  lobireft.rotation by 2 edits
                  lobireft.bias by 2 edits
                selections:
                  select.0: base at l1
                  select.1: clean at l1, as many as select.0 of base
                  select.2: base at l1 among demanded rows
                notes:
                  HookGraphTextTests.swift:\(line + 3): 'last word': it edits rows of block_output.0 that 'lobireft' \
                (HookGraphTextTests.swift:\(line)) edits too

                """)
    }

    @Test func machines() throws {
        struct Document: Decodable {
            struct Edit: Decodable {
                var name: String
                var layer: Int?
                var selection: String?
                var parameters: [String]
            }
            var edits: [Edit]
            var selections: [[String: String]]
            var notes: [String]
        }
        let text = try Self.program.bound(to: ToyModel(runs: ["clean", "base"]).graph).json()
        let document = try JSONDecoder().decode(Document.self, from: Data(text.utf8))
        #expect(document.edits.map(\.name) == ["lobireft", "lobireft", "interchange", "scale", "last word"])
        #expect(document.edits[1].parameters == ["lobireft.rotation", "lobireft.bias"])
        #expect(document.edits[4].selection == nil)
        #expect(
            document.selections[1] == [
                "name": "select.1", "run": "clean", "positions": "l1", "rows": "tokens", "paired_run": "base",
                "paired_with": "select.0",
            ])
        #expect(document.notes.count == 1)
    }
}
