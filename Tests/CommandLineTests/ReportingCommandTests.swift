import Foundation
import Testing

/// inspect, tokenize, check and graph.
@Suite struct ReportingCommandTests {
    @Test(arguments: ["inspect", "tokenize", "run", "train", "generate", "check", "graph"])
    func helpShowsExamples(command: String) throws {
        let outcome = try Workplace().reft(command, "--help")
        #expect(outcome.code == 0)
        #expect(outcome.output.contains("EXAMPLES"))
        #expect(outcome.output.contains("  reft \(command) "))
        #expect(outcome.errors == "")
    }

    @Test func completionScriptsAreMade() throws {
        for shell in ["bash", "zsh", "fish"] {
            let outcome = try Workplace().reft("--generate-completion-script", shell)
            #expect(outcome.code == 0)
            #expect(outcome.output.contains("generate"))
        }
    }

    @Test func inspectDescribesEachFamily() throws {
        let place = try Workplace(models: "llama", "gpt2", "bert")
        for (model, parameters) in [("llama", 20640), ("gpt2", 0), ("bert", 0)] {
            let outcome = try place.reft("inspect", model, "--json")
            let description = try place.json(outcome.output)
            #expect(outcome.code == 0)
            #expect(description["modelType"] as? String == model)
            let sites = try #require(description["sites"] as? [[String: Any]])
            #expect(sites.contains { $0["component"] as? String == "block_output" && $0["width"] as? Int == 32 })
            if parameters > 0 { #expect(description["parameterCount"] as? Int == parameters) }
        }
        let table = try place.reft("inspect", "llama").output
        #expect(table.contains("mlp_activation"))
        #expect(table.contains("model.layers[l].mlp"))
    }

    @Test func textBecomesTokensAndBack() throws {
        let place = try Workplace(models: "llama")
        try place.addWordTokenizer(to: "llama")
        let encoded = try place.reft("tokenize", "llama", "w5 w17 what")
        #expect(encoded == .init(code: 0, output: "5 17 0\n", errors: "\"w5\" \"w17\" \"w0\"\n"))
        let decoded = try place.reft("tokenize", "llama", "--decode", "5, 17")
        #expect(decoded == .init(code: 0, output: "w5 w17\n", errors: ""))
        let outside = try place.reft("tokenize", "llama", "--decode", "-1")
        #expect(outside == .init(code: 2, output: "", errors: "Error: '-1' is no token id; ids are within 0..<96\n"))
    }

    @Test func theComputationGraphIsShownBeforeAfterAndAsChanges() throws {
        let place = try Workplace(models: "llama")
        try place.write(
            """
            {"format": "swift-reft/program", "version": 1, "declarations": [{"name": "mute",
             "intervention": {"type": "Zero"}, "site": {"component": "mlp_output", "layers": [0]}, "positions": "all"}]}
            """, to: "program.json")
        func shown(_ flags: [String]) throws -> ReftProcess.Outcome {
            let arguments = ["graph", "llama", "--program", "program.json", "--computation"] + flags
            return try ReftProcess(arguments, in: place.folder).finish()
        }
        let before = try shown(["--before"])
        #expect(before.code == 0 && !before.output.contains("#0 mute"))
        let changes = try shown(["--changes"]).output.split(separator: "\n")
        #expect(changes.first?.hasSuffix("nodes added, 1 read edited values") == true)
        #expect(changes.dropFirst().allSatisfy { $0.hasPrefix("+ ") || $0.hasPrefix("~ ") })
        #expect(try shown(["--format", "svg"]).output.contains("class=\"rewired\""))
        for (flags, message) in [
            (["--before", "--changes"], "--before and --changes exclude each other"),
            (["--format", "html"], "--format html shows both graphs without --computation"),
            (["--changes", "--format", "dot"], "--changes goes with text or svg"),
        ] {
            let outcome = try shown(flags)
            #expect(outcome.code == 2)
            #expect(outcome.errors.contains(message))
        }
    }

    @Test func graphsAreShownInEachFormat() throws {
        let place = try Workplace(models: "llama")
        try place.write(Workplace.program(), to: "program.json")
        let checked = try place.reft("check", "llama", "--program", "program.json")
        #expect(checked.code == 0)
        #expect(checked.errors.hasPrefix("bound to llama in "))
        #expect(checked.output.hasPrefix("1 edit in order, 3 parameter tensors, 130 trained numbers\n"))
        let starts = [
            "text": "1 edit in order", "dot": "digraph program {", "svg": "<svg ", "json": "{\n  \"runs\"",
            "html": "<!DOCTYPE html>",
        ]
        for (format, start) in starts {
            let outcome = try place.reft("graph", "llama", "--program", "program.json", "--format", format)
            #expect(outcome.code == 0)
            #expect(outcome.output.hasPrefix(start), "\(format)")
        }
        for format in ["text", "dot", "json"] {
            let outcome = try place.reft(
                "graph", "llama", "--program", "program.json", "--format", format, "--computation", "--output", "graph")
            #expect(outcome == .init(code: 0, output: "", errors: "wrote graph\n"))
            #expect(try place.text("graph").contains("edit.1.rotation"))
        }
    }

    /// A reader that goes away ends the command as it ends any other, without a trap.
    @Test func closedOutputIsNoCrash() throws {
        let place = try Workplace(models: "llama")
        let reft = try #require(ReftProcess.executable).path
        func shell(_ command: String) throws -> String {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/bin/bash")
            process.arguments = ["-c", command]
            process.currentDirectoryURL = place.folder
            try process.run()
            process.waitUntilExit()
            return try place.text("out")
        }
        #expect(
            try shell("'\(reft)' inspect llama | head -1 > out; echo ${PIPESTATUS[0]} > /dev/null").hasPrefix("model"))
        let closed = try shell("'\(reft)' inspect llama >&- 2> out; echo $? >> out")
        #expect(closed == "Error: standard output can not be written: Bad file descriptor\n2\n")
        #expect(try shell("'\(reft)' inspect nothing 2>&- <&-; echo $? > out") == "2\n")
    }
}
