// swift-tools-version: 6.1
import PackageDescription

/// The targets in the order of the layers: each may import those above it in this list that it names.
let package = Package(
    name: "swift-reft",
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "SwiftReFT", targets: ["SwiftReFT"]),
        .library(name: "JSON", targets: ["JSON"]),
        .library(name: "Graph", targets: ["Graph"]),
        .library(name: "InterventionDSL", targets: ["InterventionDSL"]),
        .library(name: "ReFTPresets", targets: ["ReFTPresets"]),
        .library(name: "Checkpoints", targets: ["Checkpoints"]),
        .library(name: "Tokenizers", targets: ["Tokenizers"]),
        .library(name: "Runtime", targets: ["Runtime"]),
        .library(name: "Models", targets: ["Models"]),
        .library(name: "Session", targets: ["Session"]),
        .library(name: "Training", targets: ["Training"]),
        .library(name: "Analysis", targets: ["Analysis"]),
        .executable(name: "reft", targets: ["reft"]),
        .executable(name: "EmojiChat", targets: ["EmojiChat"]),
        .executable(name: "HandBuilt", targets: ["HandBuilt"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0")
    ],
    targets: [
        .systemLibrary(
            name: "COpenBLAS", pkgConfig: "openblas",
            providers: [.apt(["libopenblas-dev", "pkg-config"]), .brew(["openblas"])]),
        .target(name: "CKernels", dependencies: ["COpenBLAS"], linkerSettings: [.linkedLibrary("m")]),
        .target(name: "Diagnostics"),
        .target(name: "JSON"),
        .target(name: "Graph", dependencies: ["JSON", "Diagnostics"]),
        .target(name: "InterventionDSL", dependencies: ["Graph", "JSON", "Diagnostics"]),
        .target(name: "ReFTPresets", dependencies: ["InterventionDSL", "Diagnostics"]),
        .target(name: "Checkpoints", dependencies: ["CKernels", "JSON", "Diagnostics"]),
        .target(name: "Tokenizers", dependencies: ["JSON", "Diagnostics"]),
        .target(name: "Runtime", dependencies: ["Graph", "Checkpoints", "CKernels", "COpenBLAS", "Diagnostics"]),
        .target(name: "Models", dependencies: ["Graph", "Runtime", "Checkpoints", "Tokenizers", "Diagnostics"]),
        .target(
            name: "Session", dependencies: ["InterventionDSL", "ReFTPresets", "Models", "Runtime", "Diagnostics"]),
        .target(name: "Training", dependencies: ["Session", "ReFTPresets"]),
        .target(name: "Analysis", dependencies: ["Training"]),
        .target(
            name: "SwiftReFT",
            dependencies: [
                "Graph", "InterventionDSL", "ReFTPresets", "Checkpoints", "Runtime", "Models", "Tokenizers", "Session",
                "Training", "Analysis", "JSON",
            ]),
        .executableTarget(
            name: "reft",
            dependencies: [
                "SwiftReFT", "Diagnostics", .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),
        .executableTarget(name: "EmojiChat", dependencies: ["SwiftReFT"], path: "Examples/EmojiChat"),
        .executableTarget(name: "HandBuilt", dependencies: ["SwiftReFT"], path: "Examples/HandBuilt"),
        .testTarget(name: "JSONTests", dependencies: ["JSON"]),
        .testTarget(name: "GraphTests", dependencies: ["Graph"], exclude: ["Fixtures"]),
        .testTarget(name: "InterventionDSLTests", dependencies: ["InterventionDSL", "ReFTPresets"]),
        .testTarget(name: "ReFTPresetsTests", dependencies: ["ReFTPresets"]),
        .testTarget(name: "CKernelsTests", dependencies: ["CKernels"]),
        .testTarget(name: "CheckpointsTests", dependencies: ["Checkpoints"], exclude: ["Fixtures"]),
        .testTarget(name: "TokenizersTests", dependencies: ["Tokenizers"], exclude: ["Fixtures"]),
        .testTarget(name: "RuntimeTests", dependencies: ["Runtime"]),
        .testTarget(name: "ModelsTests", dependencies: ["Models"]),
        .target(name: "AllocationCounter", path: "Tests/AllocationCounter"),
        .testTarget(name: "SessionTests", dependencies: ["Session", "Training", "AllocationCounter"]),
        .testTarget(name: "TrainingTests", dependencies: ["Training"]),
        .testTarget(name: "DiagnosticsTests", dependencies: ["Diagnostics"]),
        .testTarget(name: "AnalysisTests", dependencies: ["Analysis"]),
        .testTarget(name: "CommandLineTests", dependencies: ["reft"]),
        .testTarget(name: "HandBuiltTests", dependencies: ["HandBuilt", "SwiftReFT"]),
    ],
    swiftLanguageModes: [.v6]
)
