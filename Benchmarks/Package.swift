// swift-tools-version: 6.1
import PackageDescription

/// Our side of the measurements. `Scripts/bench` builds it and runs it in turn with the peers.
let package = Package(
    name: "Benchmarks",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "swift-reft", path: "..")],
    targets: [
        .systemLibrary(name: "CBLAS", pkgConfig: "openblas"),
        .target(name: "CMachineLimits", dependencies: ["CBLAS"], linkerSettings: [.linkedLibrary("openblas")]),
        .executableTarget(
            name: "Bench", dependencies: ["CMachineLimits", .product(name: "SwiftReFT", package: "swift-reft")]),
    ],
    swiftLanguageModes: [.v6]
)
