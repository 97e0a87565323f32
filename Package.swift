// swift-tools-version: 6.2
// Strandline: one package, arrows only downward. Pure code at the bottom, effects at the rim, one executable that
// joins them. docs/architecture.md draws the picture; Tests/TidyTests checks the directions.
import PackageDescription

/// One list of settings for every Swift target of ours, so that no target can drift to a laxer mode.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    // A leaked dependency shows as `public import` (SE-0409).
    .enableUpcomingFeature("InternalImportsByDefault"),
    // An extension member is only visible where its module is imported (SE-0444).
    .enableUpcomingFeature("MemberImportVisibility"),
    // `any` is written out, so that an existential in a hot path is seen in review (SE-0335).
    .enableUpcomingFeature("ExistentialAny"),
    // Tests see what is internal, in the release build that they share with the product. Ours only: for the packages that we
    // use it would make every class one that might be subclassed, and every function one that must be kept.
    .unsafeFlags(["-enable-testing"]),
]

/// The Arrow C++ libraries come from the pyarrow wheel, which has versioned names only and no fixed place. `make setup`
/// links the wheel's folder to `.deps/arrow`. The loader looks there, first relative to the built product (three folders
/// down in `.build/<triple>/release`), then from this checkout (for `--scratch-path`), and last beside an installed
/// binary. SwiftPM refuses rpath flags from pkg-config, so they stand here (decision 0005).
let arrow = "\(Context.packageDirectory)/.deps/arrow"
let arrowLinking: [LinkerSetting] = [
    .unsafeFlags([
        "-L\(arrow)", "-Xlinker", "-l:libarrow.so.2600", "-Xlinker", "-l:libparquet.so.2600",
        "-Xlinker", "-rpath=$ORIGIN/../../../.deps/arrow:\(arrow):$ORIGIN/../lib/strandline",
    ])
]

let package = Package(
    name: "strandline",
    products: [
        .executable(name: "strandline", targets: ["strandline"]),
        .library(name: "StrandlineClient", targets: ["StrandlineClient"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-atomics", exact: "1.3.0"),
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", exact: "1.8.0", traits: []),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", exact: "2.37.6"),
        // Without its traits: no Foundation, no reader of configuration files.
        .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1", traits: []),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
    ],
    targets: [
        // MARK: C libraries
        .systemLibrary(name: "CRocksDB", providers: [.apt(["librocksdb-dev"])]),
        .systemLibrary(name: "CRdKafka", providers: [.apt(["librdkafka-dev"])]),
        .systemLibrary(name: "CJemalloc", providers: [.apt(["libjemalloc-dev"])]),
        .systemLibrary(name: "CScheduling"),
        .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
        .target(name: "CSimdJSON", linkerSettings: [.linkedLibrary("simdjson")]),
        .target(
            name: "CArrow",
            cxxSettings: [.unsafeFlags(["-isystem", "\(arrow)/include"])],
            linkerSettings: arrowLinking
        ),

        // MARK: pure code
        .target(name: "FeatureModel", swiftSettings: strict),
        .target(name: "Expressions", dependencies: ["FeatureModel"], swiftSettings: strict),
        .target(name: "Windowing", dependencies: ["FeatureModel"], swiftSettings: strict),
        .target(
            name: "FeatureRepository",
            dependencies: [
                "Expressions", "FeatureModel", .product(name: "Yams", package: "Yams"),
                .product(name: "Crypto", package: "swift-crypto"),
            ],
            swiftSettings: strict
        ),

        // MARK: engines
        .target(name: "Scheduling", dependencies: ["CScheduling"], swiftSettings: strict),
        .target(name: "RocksDB", dependencies: ["CRocksDB"], swiftSettings: strict),
        .target(name: "KafkaLog", dependencies: ["CRdKafka"], swiftSettings: strict),
        .target(name: "ArrowTables", dependencies: ["FeatureModel", "CArrow"], swiftSettings: strict),

        // MARK: the store and what surrounds it
        .target(
            name: "FeatureHistory",
            dependencies: [
                "Expressions", "FeatureModel", "Windowing", "RocksDB",
                .product(name: "Atomics", package: "swift-atomics"),
            ],
            swiftSettings: strict
        ),
        .target(
            name: "Ingest",
            dependencies: [
                "Expressions", "FeatureModel", "Windowing", "FeatureHistory", "KafkaLog", "CSimdJSON", "Scheduling",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
            ],
            swiftSettings: strict
        ),
        .target(
            name: "WireProtocol",
            dependencies: ["CZlib", "FeatureModel", .product(name: "NIOCore", package: "swift-nio")],
            swiftSettings: strict
        ),
        .target(
            name: "TrainingSets",
            dependencies: ["FeatureModel", "Windowing", "FeatureHistory"],
            swiftSettings: strict
        ),
        .target(
            name: "FeatureServer",
            dependencies: [
                "FeatureModel", "Windowing", "FeatureHistory", "FeatureRepository", "Ingest", "Scheduling",
                "TrainingSets",
                "WireProtocol",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "Atomics", package: "swift-atomics"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict
        ),
        .target(
            name: "FeatureHTTP",
            dependencies: [
                "FeatureModel", "Windowing", "FeatureHistory", "Scheduling", "WireProtocol", "FeatureServer",
                "CSimdJSON",
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: strict
        ),
        .target(
            name: "StrandlineClient",
            dependencies: [
                "FeatureModel", "WireProtocol",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "strandline",
            dependencies: [
                "CJemalloc", "Expressions", "FeatureModel", "FeatureRepository", "FeatureHistory", "Ingest", "KafkaLog",
                "Scheduling", "TrainingSets",
                "ArrowTables", "FeatureServer", "FeatureHTTP", "StrandlineClient", "WireProtocol", "FeatureTesting",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: strict
        ),

        // MARK: benchmarks
        .systemLibrary(name: "CEpoll", path: "Benchmarks/CEpoll"),
        .executableTarget(
            name: "strandline-bench",
            dependencies: [
                "FeatureModel", "Windowing", "FeatureHistory", "Ingest", "KafkaLog", "CRdKafka", "CSimdJSON", "CEpoll",
                "Scheduling",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            path: "Benchmarks/StrandlineBench",
            swiftSettings: strict
        ),

        // MARK: the fuzzer: the server's handler over a channel without a socket
        .systemLibrary(name: "CLibFuzzer", path: "Fuzz/CLibFuzzer"),
        .target(
            name: "ServerFuzzing",
            dependencies: [
                "FeatureHistory", "FeatureModel", "FeatureRepository", "FeatureServer", "FeatureTesting", "Scheduling",
                "Windowing", "WireProtocol",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
            ],
            path: "Fuzz/ServerFuzzing",
            swiftSettings: strict
        ),
        .executableTarget(
            name: "StrandlineFuzz",
            dependencies: ["CLibFuzzer", "ServerFuzzing"],
            path: "Fuzz/StrandlineFuzz",
            swiftSettings: strict
        ),

        // MARK: tests
        .target(name: "FeatureTesting", dependencies: ["FeatureModel"], swiftSettings: strict),
        .testTarget(
            name: "FeatureModelTests",
            dependencies: ["FeatureModel", "FeatureTesting"],
            swiftSettings: strict
        ),
        .testTarget(
            name: "ExpressionsTests",
            dependencies: ["Expressions", "FeatureModel", "FeatureTesting"],
            swiftSettings: strict
        ),
        .testTarget(
            name: "WindowingTests",
            dependencies: ["FeatureModel", "FeatureTesting", "Windowing"],
            swiftSettings: strict
        ),
        .testTarget(
            name: "FeatureHistoryTests",
            dependencies: [
                "Expressions", "FeatureHistory", "FeatureModel", "FeatureTesting", "RocksDB", "Windowing",
                .product(name: "Atomics", package: "swift-atomics"),
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "TrainingSetsTests",
            dependencies: ["FeatureModel", "FeatureTesting", "TrainingSets"],
            swiftSettings: strict
        ),
        .testTarget(
            name: "IngestTests",
            dependencies: [
                "FeatureHistory", "FeatureModel", "FeatureTesting", "Ingest", "KafkaLog", "Windowing",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "WireProtocolTests",
            dependencies: ["FeatureModel", "WireProtocol", .product(name: "NIOCore", package: "swift-nio")],
            swiftSettings: strict
        ),
        .testTarget(
            name: "StrandlineClientTests",
            dependencies: [
                "FeatureModel", "StrandlineClient", "WireProtocol", .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
            ],
            swiftSettings: strict
        ),
        .testTarget(name: "SchedulingTests", dependencies: ["Scheduling"], swiftSettings: strict),
        .testTarget(name: "RocksDBTests", dependencies: ["RocksDB"], swiftSettings: strict),
        .testTarget(name: "KafkaLogTests", dependencies: ["KafkaLog"], swiftSettings: strict),
        .testTarget(name: "ArrowTablesTests", dependencies: ["ArrowTables", "FeatureModel"], swiftSettings: strict),
        .testTarget(
            name: "FeatureServerTests",
            dependencies: [
                "FeatureHistory", "FeatureModel", "FeatureRepository", "FeatureServer", "FeatureTesting",
                "Scheduling", "ServerFuzzing", "StrandlineClient", "Windowing", "WireProtocol",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "FeatureHTTPTests",
            dependencies: [
                "FeatureHTTP", "FeatureHistory", "FeatureModel", "FeatureRepository", "FeatureServer", "FeatureTesting",
                "Scheduling", "Windowing", "WireProtocol",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "FeatureRepositoryTests",
            dependencies: ["FeatureModel", "FeatureRepository"],
            swiftSettings: strict
        ),
        .testTarget(name: "TidyTests", swiftSettings: strict),
    ],
    cxxLanguageStandard: .cxx20
)
