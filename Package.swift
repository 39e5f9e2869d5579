// swift-tools-version: 6.2
import PackageDescription

// Release is Embedded Swift: one static file of little more than a megabyte. Debug is ordinary Swift, so that `swift
// test` covers the same sources. A section for each function lets the linker drop those that nobody calls: a sixth of
// the file.
let swiftSettings: [SwiftSetting] = [
  .enableExperimentalFeature("Embedded", .when(configuration: .release)),
  .unsafeFlags(["-Osize", "-Xfrontend", "-function-sections"], .when(configuration: .release)),
]

// In both configurations: SwiftPM links Embedded executables without the toolchain's run path, so a dynamic debug build
// would not start.
let staticExecutable: [LinkerSetting] = [
  .unsafeFlags(["-static-executable", "-Xlinker", "--gc-sections", "-Xlinker", "-s"])
]

let package = Package(
  name: "ebb",
  targets: [
    .target(name: "CPlatform"),
    .target(name: "Supervision", swiftSettings: swiftSettings),
    .target(
      name: "Platform", dependencies: ["CPlatform", "Supervision"], swiftSettings: swiftSettings),
    .executableTarget(
      name: "ebb", dependencies: ["CPlatform", "Platform", "Supervision"],
      swiftSettings: swiftSettings, linkerSettings: staticExecutable),

    .testTarget(name: "SupervisionTests", dependencies: ["Supervision"]),
    .testTarget(name: "PlatformTests", dependencies: ["Platform", "Supervision"]),
    // No dependency on the executable: its linker flags would leak into the test bundle. The tests run the release
    // binary as a process.
    .testTarget(name: "ProcessTests"),
    // The talkative command that the process tests put under ebb: C and static, so that it runs on an empty root file
    // system.
    .executableTarget(
      name: "fixture", path: "Tests/Fixture", linkerSettings: staticExecutable),
    .executableTarget(name: "Benchmarks", path: "Tests/Benchmarks"),
  ]
)
