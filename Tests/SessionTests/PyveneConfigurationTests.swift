import Foundation
import Graph
import InterventionDSL
import JSON
import ReFTPresets
import Testing

@testable import Session

/// Configurations of pyvene, as it saves them and as users write them, given as programs.
@Suite struct PyveneConfigurationTests {
    private func program(
        _ json: String, _ options: PyveneOptions = PyveneOptions(), note: (String) -> Void = { _ in }
    ) throws -> Program {
        let document = try JSONValue(parsing: Array(json.utf8))
        #expect(PyveneConfiguration.isConfiguration(document))
        return try PyveneConfiguration(document, file: "config.json").program(options, note: note)
    }

    private func problems(_ json: String, _ options: PyveneOptions = PyveneOptions()) -> String {
        do {
            _ = try program(json, options)
            return ""
        } catch {
            return "\(error)"
        }
    }

    @Test func aDictionaryAsUsersWriteIt() throws {
        let read = try program(
            """
            {"layer": 15, "component": "block_output", "low_rank_dimension": 4,
             "intervention_type": "pyreft.LoreftIntervention"}
            """, PyveneOptions(positions: .last))
        #expect(read == Program { LoReFT(rank: 4).on(.blockOutput, layer: 15).at(.last).named("loreft") })
    }

    @Test func withoutPositionsEverythingIsEdited() throws {
        let read = try program(#"[{"layer": 2, "component": "mlp_output", "intervention_type": "ZeroIntervention"}]"#)
        #expect(read == Program { Zero().on(.mlpOutput, layer: 2).at(.all).named("zero") })
    }

    @Test func interventionsInParallelReadASourceEach() throws {
        let read = try program(
            """
            {"representations": [{"layer": 0}, {"layer": 1, "component": "mlp_output"}],
             "intervention_types": "<class 'pyvene.models.interventions.VanillaIntervention'>", "mode": "parallel"}
            """, PyveneOptions(positions: .at(3)))
        #expect(
            read
                == Program {
                    Run("source-0")
                    Run("source-1")
                    Run.base {
                        Interchange(from: "source-0").on(.blockOutput, layer: 0).at(.at(3)).named("interchange")
                        Interchange(from: "source-1").on(.mlpOutput, layer: 1).at(.at(3)).named("interchange-2")
                    }
                })
        let shared = try program(
            #"[{"layer": 0}, {"layer": 1}, {"layer": 2}]"#, PyveneOptions(positions: .at(3), sharesSource: true))
        #expect(
            shared
                == Program {
                    Run("source")
                    Run.base {
                        Interchange(from: "source").on(.blockOutput, layers: 0..<3).at(.at(3)).named("interchange")
                    }
                })
    }

    @Test func groupsReadOneSource() throws {
        let read = try program(
            """
            {"representations": [{"layer": 0, "group_key": 0}, {"layer": 2, "group_key": 0}, {"layer": 4, "group_key": 1}],
             "intervention_types": "VanillaIntervention"}
            """, PyveneOptions(positions: .at(3), sourcePositions: .at(5)))
        func source(_ run: String) -> SourceReference { SourceReference(run: run, positions: .at(5)) }
        #expect(
            read
                == Program {
                    Run("source-0")
                    Run("source-1")
                    Run.base {
                        Interchange(from: source("source-0")).on(.blockOutput, layers: [0, 2]).at(.at(3))
                            .named("interchange")
                        Interchange(from: source("source-1")).on(.blockOutput, layer: 4).at(.at(3)).named(
                            "interchange-2")
                    }
                })
    }

    @Test func inSeriesEachSourceIsPutIntoTheNext() throws {
        let read = try program(
            #"{"representations": [{"layer": 3}, {"layer": 10}], "mode": "serial"}"#, PyveneOptions(positions: .last))
        #expect(
            read
                == Program {
                    Run("source-0")
                    Run("source-1") {
                        Interchange(from: "source-0").on(.blockOutput, layer: 3).at(.last).named("interchange")
                    }
                    Run.base {
                        Interchange(from: "source-1").on(.blockOutput, layer: 10).at(.last).named("interchange-2")
                    }
                })
    }

    @Test func headsAreGivenApart() throws {
        let json = #"{"layer": 5, "component": "head_attention_value_output", "unit": "h.pos"}"#
        #expect(
            problems(json)
                == "config.json: representations[0]: its unit is 'h.pos', and a configuration does not say which heads are "
                + "meant; give them, as in --heads 0,3")
        let read = try program(json, PyveneOptions(positions: .last, heads: [0, 3]))
        #expect(
            read.declarations.first?.place
                == .layers(Component(rawValue: "head_attention_value_output"), [5], heads: [0, 3]))
    }

    @Test func subspacesAndConstantSources() throws {
        let read = try program(
            """
            {"representations": [{"layer": 0, "intervention_type": "AdditionIntervention",
              "source_representation": [1, 2.5], "subspace_partition": [[0, 1], [1, 2]]}]}
            """)
        #expect(
            read
                == Program {
                    Add([1, 2.5]).on(.blockOutput, layer: 0).at(.all).named("add").subspaces(["0": [0], "1": [1]])
                })
    }

    @Test func allProblemsAtOnce() {
        #expect(
            problems(
                """
                {"representations": [{"layer": -1, "compnent": "mlp_output", "unit": "dim"},
                  [0, "block_output", "pos", 1, 4, null, "LoreftIntervention(...)", null, null, null, 3, null, null, null]],
                 "mode": "nested", "intervention_types": ["A", "B", "C"], "intervention_dimensions": [true, [1, "x"]]}
                """)
                    == """
                    config.json: representations[0].layer: a whole number from 0 on is needed, not -1
                    config.json: representations[0]: unknown key 'compnent'; allowed: layer, component, unit, \
                    max_number_of_units, low_rank_dimension, intervention_type, intervention, subspace_partition, group_key, \
                    intervention_link_key, moe_key, source_representation, hidden_source_representation, latent_dim; did you \
                    mean 'component'?
                    config.json: representations[0].unit: 'pos', 'h', 'h.pos' or 't' is needed, not "dim"
                    config.json: representations[1].intervention: "LoreftIntervention(...)" can not be expressed here; null is \
                    allowed
                    config.json: representations[1].moe_key: 3 can not be expressed here; null is allowed
                    config.json: mode: 'parallel' or 'serial' is needed, not "nested"
                    config.json: intervention_types: 3 are listed for 2 representations
                    config.json: intervention_dimensions[0]: a number of coordinates or a list is needed, not true
                    config.json: intervention_dimensions[1]: a number of coordinates or a list is needed, not [1, "x"]
                    """)
        #expect(
            problems(#"[{"layer": 0, "intervention_type": "my.MyIntervention"}]"#).hasPrefix(
                "config.json: representations[0]: the class 'MyIntervention' has no counterpart here; known: "))
        #expect(
            problems(#"[{"layer": 0, "intervention_type": "LoreftIntervention"}]"#)
                == "config.json: representations[0]: low_rank_dimension is needed by LoreftIntervention")
        #expect(
            problems(
                #"[{"layer": 0, "max_number_of_units": 2, "low_rank_dimension": 1, "intervention_type": "DireftIntervention"}]"#
            )
                == "config.json: representations[0]: DireftIntervention acts on 2 units joined into one row "
                + "(max_number_of_units); here each row is edited by itself, which is 1")
    }

    @Test func ownClassesAreRemarkedOn() throws {
        var notes: [String] = []
        _ = try program(
            #"[{"layer": 0, "low_rank_dimension": 2, "intervention_type": "<class '__main__.LoreftIntervention'>"}]"#
        ) { notes.append($0) }
        #expect(
            notes == [
                "representations[0]: '__main__.LoreftIntervention' is taken to be pyreft.interventions.LoreftIntervention; "
                    + "a class of one's own may compute something else"
            ])
    }
}
