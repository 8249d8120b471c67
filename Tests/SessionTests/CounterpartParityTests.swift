import Checkpoints
import Foundation
import InterventionDSL
import Models
import ReFTPresets
import Session
import Testing

/// Interventions that read a source run or act in subspaces, against pyvene's modules and written-out formulas
/// (Tests/Reference/make_counterparts.py and make_counterpart_matrix.py): outputs, loss, collected rows and the gradients
/// of all parameters.
@Suite struct CounterpartParityTests {
    static let names = PeerFixtures.names(in: "counterparts")

    private struct Case {
        let session: Session
        let input: RunInput
        let tensors: SafetensorsFile

        init(_ name: String) throws {
            let path = "counterparts/\(name)"
            let settings = try PeerFixtures.json("\(path)/case.json")
            tensors = try PeerFixtures.tensors("\(path)/tensors.safetensors")
            let program = try Program(
                json: JSONSerialization.data(withJSONObject: settings["program"] ?? [:]), registry: .general + .reft)
            input = try RunInput(json: JSONSerialization.data(withJSONObject: settings["input"] ?? [:]), file: name)
            session = try Session(
                PeerFixtures.model(settings["model"] as? String ?? ""), program: program,
                constantsIn: TensorReader(folder: PeerFixtures.folder.appendingPathComponent(path)))
            for specification in session.parameters.specifications {
                try session.parameters.set(
                    specification.name, tensors.tensor("state.\(specification.name)").floats())
            }
            let text = try program.json()
            #expect(try Program(json: Data(text.utf8), registry: .general + .reft) == program)
        }
    }

    @Test func thereAreCases() { #expect(Self.names.count >= 170) }

    @Test(arguments: names) func outputsAgree(name: String) throws {
        let peer = try Case(name)
        let result = try peer.session.run(
            peer.input.examples,
            collecting: peer.session.sites(matching: ["block_output.0"]))
        let logits = try #require(result.logits)
        if peer.tensors["expected.logits"] != nil {
            #expect(PeerFixtures.error(logits.values, try peer.tensors.tensor("expected.logits").floats()) <= 1e-5)
        } else {
            var last: [Float] = []
            var end = 0
            for example in peer.input.examples {
                end += example.tokens.count
                last += logits.values[(end - 1) * logits.columns..<end * logits.columns]
            }
            #expect(PeerFixtures.error(last, try peer.tensors.tensor("expected.last_logits").floats()) <= 1e-5)
        }
        let block = try #require(result.collected.first { $0.name == "block_output.0" })
        #expect(PeerFixtures.error(block.values, try peer.tensors.tensor("expected.block_output.0").floats()) <= 1e-5)
        #expect(result.collected.contains { $0.name == "edit" } == (peer.tensors["expected.collected"] != nil))
        if let expected = peer.tensors["expected.collected"] {
            let rows = try #require(result.collected.first { $0.name == "edit" })
            #expect(PeerFixtures.error(rows.values, expected.floats()) <= 1e-5)
        }
        let loss = try #require(result.loss)
        #expect(PeerFixtures.error([Float(loss)], try peer.tensors.tensor("expected.loss").floats()) <= 1e-5)
    }

    @Test(arguments: names) func gradientsAgree(name: String) throws {
        let peer = try Case(name)
        let result = try peer.session.run(peer.input.examples, gradients: true)
        for gradient in result.gradients {
            guard let expected = peer.tensors["gradient.\(gradient.name)"] else {
                // pyvene's SigmoidMask copies its temperature, which so gets no gradient.
                #expect(gradient.name == "edit.0.temperature")
                continue
            }
            #expect(PeerFixtures.error(gradient.values, expected.floats()) <= 1e-4, "\(gradient.name)")
        }
    }
}
