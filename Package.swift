// swift-tools-version: 6.3
import PackageDescription

/// One set of rules for every Swift target.
let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
  .treatAllWarnings(as: .error),
  .strictMemorySafety(),
  // Places where a test ends the process as `kill -9` would; a release has none.
  .define("CRASH_POINTS", .when(configuration: .debug)),
  // The hot path crosses four targets; without this their generics run unspecialised, at twice the cost of a check.
  .unsafeFlags(["-cross-module-optimization"], .when(configuration: .release)),
]

let package = Package(
  name: "turnpike",
  platforms: [.macOS(.v26)],
  products: [.executable(name: "turnpike", targets: ["turnpike"])],
  dependencies: [
    // Event loops and sockets, and the HTTP/1.1 parser's neighbours of every Swift server.
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    // Outbound calls to mints: pooling, time-outs and TLS verification that we should not write again.
    .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    // TLS of async-http-client, for the certificates of a cluster.
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.36.0"),
    // SQLite with one writer, a reader pool and typed errors.
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    // The configuration file, with the line of every key.
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    // Subcommands, --help and exit codes.
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    // The logging API the rest of the ecosystem speaks.
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    // Signals as a sequence.
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
  ],
  targets: [
    // C libraries: a module map and a shim each, nothing else.
    .systemLibrary(name: "CNghttp2", providers: [.apt(["libnghttp2-dev"])]),
    .systemLibrary(name: "COpenSSL", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CProtobufC", providers: [.apt(["libprotobuf-c-dev"])]),
    .systemLibrary(name: "CSecp256k1", providers: [.apt(["libsecp256k1-dev"])]),
    .systemLibrary(name: "CPostgreSQL", providers: [.apt(["libpq-dev"])]),
    // What glibc has no Swift name for, and passwords as /etc/shadow keeps them.
    .systemLibrary(name: "CLinux"),
    .systemLibrary(name: "CCrypt", providers: [.apt(["libcrypt-dev"])]),
    .systemLibrary(name: "CQREncode", providers: [.apt(["libqrencode-dev"])]),

    // Byte strings and header fields; the standard library only.
    .target(name: "Octets", swiftSettings: settings),
    // JSON texts of strangers: bounded, exact, without repeated members.
    .target(name: "JSON", swiftSettings: settings),
    // SHA-256, HMAC and random bytes, by OpenSSL.
    .target(name: "Digest", dependencies: ["COpenSSL", "Octets"], swiftSettings: settings),
    // One curve for the schemes that sign on it, by libsecp256k1.
    .target(name: "Secp256k1", dependencies: ["CSecp256k1", "Digest"], swiftSettings: settings),
    // The nine steps and their words; no socket, no database, no C.
    .target(name: "Gate", dependencies: ["Octets"], swiftSettings: settings),
    // Calls to mints, facilitators and chains: bounded in size and time, and clear about whether they were sent.
    .target(
      name: "Outbound",
      dependencies: [
        .product(name: "AsyncHTTPClient", package: "async-http-client"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
      ],
      swiftSettings: settings
    ),
    .target(
      name: "Transport",
      dependencies: [
        "Octets", "CNghttp2", "COpenSSL",
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
      ],
      swiftSettings: settings
    ),
    .target(name: "CProto", dependencies: ["CProtobufC"], path: "Sources/Proto/C"),
    .target(
      name: "Proto", dependencies: ["CProto", "CProtobufC", "Octets"], path: "Sources/Proto/Swift",
      swiftSettings: settings),
    .target(
      name: "ExtAuthz", dependencies: ["Octets", "JSON", "Gate", "Proto", "Transport", "CQREncode"],
      swiftSettings: settings),
    // What buyers ask without a proxy between: offers, passes, invoices, payments.
    .target(
      name: "PublicAPI", dependencies: ["Octets", "JSON", "Gate", "Transport", "ExtAuthz"],
      swiftSettings: settings),
    .target(
      name: "Cashu",
      dependencies: ["Octets", "JSON", "Digest", "Gate", "Outbound", "Secp256k1"],
      swiftSettings: settings
    ),
    .target(
      name: "X402",
      dependencies: ["Octets", "JSON", "Digest", "Gate", "Outbound", "Secp256k1"],
      swiftSettings: settings
    ),
    .target(
      name: "Store",
      dependencies: [
        "Octets", "Gate", "CPostgreSQL", .product(name: "GRDB", package: "GRDB.swift"),
        .product(name: "GRDBSQLite", package: "GRDB.swift"),
      ],
      swiftSettings: settings
    ),
    .target(
      name: "Telemetry",
      dependencies: ["Octets", .product(name: "Logging", package: "swift-log")],
      swiftSettings: settings
    ),
    // The configuration file, its keys and their defaults.
    .target(
      name: "Settings",
      dependencies: ["Octets", "Gate", "X402", .product(name: "Yams", package: "Yams")],
      swiftSettings: settings
    ),
    // Doubles and contracts for tests: a scripted scheme, a ledger in memory, a clock that a test moves.
    .target(name: "TestKit", dependencies: ["Octets", "Gate", "Store"], swiftSettings: settings),
    // Typed calls to the Kubernetes API: auth, lists, watches that resume.
    .target(
      name: "Kubernetes",
      dependencies: [
        "Octets", "JSON", .product(name: "AsyncHTTPClient", package: "async-http-client"),
        .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"), .product(name: "Yams", package: "Yams"),
      ],
      swiftSettings: settings
    ),
    // Machines with an end date: their leases, and the backends that make them.
    .target(
      name: "Provisioner",
      dependencies: [
        "Octets", "JSON", "Digest", "Gate", "Kubernetes", "COpenSSL", "CCrypt", "CLinux",
        .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
      ],
      swiftSettings: settings
    ),
    // PID 1 of a machine, in C: it is bound into sandboxes and pods that have no Swift, so it is static.
    .executableTarget(
      name: "workload-init",
      cSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])],
      linkerSettings: [
        .unsafeFlags(["-enable-experimental-feature", "Embedded", "-static-executable"])
      ]),
    .executableTarget(
      name: "turnpike",
      dependencies: [
        "Octets", "JSON", "Digest", "Gate", "Outbound", "Transport", "Proto", "ExtAuthz", "PublicAPI",
        "Cashu",
        "X402", "Store", "Telemetry", "Settings", "Provisioner", "Kubernetes",
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "UnixSignals", package: "swift-service-lifecycle"),
      ],
      swiftSettings: settings
    ),

    // Durable claims as fast as the book takes them, for `make bench`.
    .executableTarget(
      name: "claim-bench", dependencies: ["Gate", "Store"], path: "bench/claims", swiftSettings: settings),

    // The parsers of outside bytes with what must hold for each; Tests/Fuzz/run feeds the same to libFuzzer.
    .target(
      name: "FuzzParsers",
      dependencies: [
        "Octets", "JSON", "Digest", "Gate", "Transport", "Proto", "Cashu", "X402", "Provisioner",
        .product(name: "NIOCore", package: "swift-nio"),
      ],
      path: "Tests/Fuzz/Parsers", swiftSettings: settings),
    .testTarget(
      name: "FuzzReplayTests", dependencies: ["FuzzParsers"], path: "Tests/Fuzz/Replay",
      swiftSettings: settings),

    .testTarget(name: "DigestTests", dependencies: ["Digest", "Octets"], swiftSettings: settings),
    .testTarget(
      name: "GateTests", dependencies: ["Gate", "Digest", "Octets", "TestKit"], swiftSettings: settings),
    .testTarget(
      name: "StoreTests",
      dependencies: ["Store", "Gate", "Octets", "TestKit", .product(name: "GRDB", package: "GRDB.swift")],
      swiftSettings: settings
    ),
    .testTarget(
      name: "CashuTests",
      dependencies: [
        "Cashu", "Gate", "Digest", "JSON", "Octets", "Outbound", "Secp256k1", "Store", "TestKit",
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
      ],
      swiftSettings: settings
    ),
    .testTarget(
      name: "X402Tests",
      dependencies: ["X402", "Gate", "Digest", "JSON", "Octets", "Outbound", "TestKit"],
      swiftSettings: settings
    ),
    // An API server that keeps Kubernetes' rules as far as machines meet them.
    .target(
      name: "KubernetesDouble",
      dependencies: [
        "JSON", "Octets", .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
      ],
      path: "Tests/KubernetesDouble", swiftSettings: settings),
    .testTarget(
      name: "KubernetesTests", dependencies: ["Kubernetes", "KubernetesDouble", "JSON", "Octets"],
      swiftSettings: settings),
    // A service of machines in a process of its own, for tests that kill it or run it as another user.
    .executableTarget(
      name: "local-rig", dependencies: ["Gate", "Provisioner"], path: "Tests/LocalRig",
      swiftSettings: settings),
    // The double in a process of its own, for tests of the whole program.
    .executableTarget(
      name: "cluster-rig", dependencies: ["KubernetesDouble", "JSON"], path: "Tests/ClusterRig",
      swiftSettings: settings),
    .testTarget(
      name: "ProvisionerTests",
      dependencies: [
        "Provisioner", "Kubernetes", "KubernetesDouble", "Gate", "Digest", "JSON", "Octets", "Store",
        "TestKit",
        .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "Yams", package: "Yams"),
      ],
      swiftSettings: settings),
    .testTarget(
      name: "PublicAPITests",
      dependencies: ["PublicAPI", "Gate", "Digest", "JSON", "Octets", "Transport", "TestKit"],
      swiftSettings: settings
    ),
    .testTarget(
      name: "TransportTests",
      dependencies: [
        "Transport", "Octets", "CNghttp2", "COpenSSL",
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
      ],
      swiftSettings: settings
    ),
    .testTarget(
      name: "ProtoTests", dependencies: ["Octets", "Proto", "CProto", "CProtobufC"], swiftSettings: settings),
    .testTarget(
      name: "ExtAuthzTests", dependencies: ["Octets", "JSON", "Gate", "Proto", "Transport", "ExtAuthz"],
      swiftSettings: settings
    ),
    .testTarget(
      name: "SettingsTests", dependencies: ["Settings", "Gate", "Octets", "X402"], swiftSettings: settings),
    .testTarget(
      name: "TelemetryTests",
      dependencies: ["Telemetry", "Settings", "Digest", .product(name: "Logging", package: "swift-log")],
      swiftSettings: settings
    ),
    .testTarget(
      name: "TurnpikeTests",
      dependencies: [
        "turnpike", "Octets", "JSON", "Digest", "Gate", "Transport", "Cashu", "X402", "Store", "Telemetry",
        "Provisioner", "TestKit",
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: settings
    ),
  ]
)
