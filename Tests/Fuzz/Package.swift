// swift-tools-version: 6.3
import PackageDescription

// The parsers alone, built for libFuzzer: `run` uses it, nothing else does. The product's package is two folders up.

let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
  .treatAllWarnings(as: .error),
  .strictMemorySafety(),
]

let package = Package(
  name: "fuzz",
  dependencies: [.package(url: "https://github.com/apple/swift-nio", from: "2.101.2")],
  targets: [
    .systemLibrary(name: "CNghttp2"),
    .systemLibrary(name: "COpenSSL"),
    .systemLibrary(name: "CProtobufC"),
    .systemLibrary(name: "CSecp256k1"),
    .target(name: "Octets", swiftSettings: settings),
    .target(name: "Digest", dependencies: ["COpenSSL", "Octets"], swiftSettings: settings),
    .target(name: "Secp256k1", dependencies: ["CSecp256k1", "Digest"], swiftSettings: settings),
    .target(name: "Gate", dependencies: ["Octets"], swiftSettings: settings),
    .target(name: "JSON", swiftSettings: settings),
    // Only what reads a buyer's words.
    .target(
      name: "Provisioner", dependencies: ["Octets", "Digest", "Gate"], sources: ["Workload"],
      swiftSettings: settings),
    // Calls over HTTP are no parser, and a large dependency to instrument.
    .target(name: "Outbound", exclude: ["OutboundHTTP.swift"], swiftSettings: settings),
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
      name: "Cashu", dependencies: ["Octets", "JSON", "Digest", "Gate", "Outbound", "Secp256k1"],
      swiftSettings: settings),
    .target(
      name: "X402", dependencies: ["Octets", "JSON", "Digest", "Gate", "Outbound", "Secp256k1"],
      swiftSettings: settings),
    .target(
      name: "FuzzParsers",
      dependencies: [
        "Octets", "JSON", "Digest", "Gate", "Transport", "Proto", "Cashu", "X402", "Provisioner",
        .product(name: "NIOCore", package: "swift-nio"),
      ],
      path: "Parsers", swiftSettings: settings),
    .executableTarget(
      name: "fuzz", dependencies: ["FuzzParsers"], path: "Target", swiftSettings: settings),
  ]
)
