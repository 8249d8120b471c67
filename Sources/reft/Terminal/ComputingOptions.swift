import ArgumentParser
import Foundation
import SwiftReFT

/// How a session computes, for commands that run one.
struct ComputingOptions: ParsableArguments {
    @Option(
        help: """
            How numbers enter products with frozen weights: f32; bf16 (rounded, summed in f32), which AVX-512 BF16 \
            multiplies twice as fast; int8 (rows of up to eight tokens rounded to 8 bits where weights have 4), for \
            generating with Q4_0, Q4_1 and Q4_K.
            """)
    var precision = ProductPrecision.f32
    @Flag(help: "Show where the time went, by kernel, on standard error.") var profile = false

    func apply(to session: Session) {
        session.precision = precision
        session.isProfiling = profile
    }

    /// The table of kernels, if it was asked for.
    func show(_ session: Session) {
        guard profile else { return }
        let entries = session.profile()
        let total = entries.reduce(0) { $0 + $1.seconds }
        let rows = entries.map { entry in
            [
                entry.name, "\(entry.calls)", String(format: "%.1f", entry.seconds * 1e3),
                String(format: "%.1f %%", 100 * entry.seconds / max(total, 1e-12)),
                entry.operations > 0 ? String(format: "%.0f", entry.operations / entry.seconds * 1e-9) : "",
            ]
        }
        Terminal.report(TextTable([["kernel", "calls", "ms", "share", "GFLOP/s"]] + rows).text)
    }
}

extension ProductPrecision: ExpressibleByArgument {}
