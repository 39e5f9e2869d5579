// swift-tools-version: 6.2
import PackageDescription

// Each module contains copies of functions of other modules that it uses. Swift 6.3 makes them weak symbols; Swift 6.2
// only with this frontend option, which SwiftPM passes if it supports the feature.
#if compiler(>=6.3)
  let mergeable: [String] = []
#else
  let mergeable = ["-Xfrontend", "-mergeable-symbols"]
#endif

// Release is Embedded Swift: one static file of little more than a megabyte. Debug is ordinary Swift, so that `swift
// test` covers the same sources and `swift run ebb` works. The feature is a compiler flag here, because with
// `.enableExperimentalFeature("Embedded", …)`, under any condition, SwiftPM links a target as an Embedded one in debug
// too, and that executable crashes.
let embedded = ["-enable-experimental-feature", "Embedded", "-wmo"] + mergeable

// One section per function, so that the linker can drop unused ones: a sixth of the file.
let swiftSettings: [SwiftSetting] = [
  // No unwind tables, because nothing unwinds: a trap ends the process, and Swift's errors need none. No checks of
  // exclusive access to class properties, a hundredth of the file: the unit tests check it in debug. No array literals
  // as globals: several modules define them under one name but may number those of a function differently, and the
  // linker keeps the first (Swift 6.3.1).
  .unsafeFlags(
    embedded + [
      "-Osize", "-enforce-exclusivity=unchecked", "-Xfrontend", "-function-sections",
      "-Xllvm", "-sil-disable-pass=object-outliner",
      "-Xcc", "-fno-asynchronous-unwind-tables", "-Xcc", "-fno-unwind-tables",
    ], .when(configuration: .release))
]

// lld makes the file 5 kB smaller than gold, links for aarch64 (GNU ld refuses a copy relocation there), and keeps its
// default layout with a script that only drops sections, here the unwind tables. Their index goes too.
let staticExecutable: [LinkerSetting] = [
  .unsafeFlags(
    embedded + [
      "-static-executable", "-use-ld=lld", "-Xlinker", "--gc-sections", "-Xlinker", "-s",
      "-Xlinker", "--no-eh-frame-hdr",
      "-Xlinker", "--script=\(Context.packageDirectory)/Sources/CLibcStubs/drop_sections.ld",
    ], .when(configuration: .release)),
  .unsafeFlags(["-static-stdlib"], .when(configuration: .debug)),
]

// Dispatch's calls that ebb replaces; see Sources/CLibcStubs/manager_queue.c.
let wrappedCalls: [LinkerSetting] = [
  .unsafeFlags(
    [
      "pthread_create", "epoll_create1", "epoll_ctl", "eventfd", "signalfd", "timerfd_create", "timerfd_settime",
      "read",
    ].flatMap { ["-Xlinker", "--wrap=\($0)"] })
]

let package = Package(
  name: "ebb",
  targets: [
    .target(name: "CPlatform"),
    // Replaces functions of libc, only in the executable.
    .target(name: "CLibcStubs", exclude: ["drop_sections.ld"]),
    .target(name: "Primitives", swiftSettings: swiftSettings),
    .target(name: "LinuxFormats", dependencies: ["Primitives"], swiftSettings: swiftSettings),
    .target(name: "HTTP", dependencies: ["Primitives"], swiftSettings: swiftSettings),
    .target(
      name: "Supervision", dependencies: ["HTTP", "LinuxFormats", "Primitives"],
      swiftSettings: swiftSettings),
    .target(name: "Smoke", dependencies: ["LinuxFormats", "Primitives", "Supervision"], swiftSettings: swiftSettings),
    .target(
      name: "Platform", dependencies: ["CPlatform", "LinuxFormats", "Primitives", "Supervision"],
      swiftSettings: swiftSettings),
    .executableTarget(
      name: "ebb",
      dependencies: [
        "CLibcStubs", "CPlatform", "HTTP", "LinuxFormats", "Platform", "Primitives", "Smoke", "Supervision",
      ],
      swiftSettings: swiftSettings, linkerSettings: staticExecutable + wrappedCalls),

    // Invariants for any order of events. Also built as Embedded Swift, so that the shipped code is simulated.
    .target(
      name: "LifecycleModel", dependencies: ["LinuxFormats", "Primitives", "Supervision"], path: "Tests/LifecycleModel",
      swiftSettings: swiftSettings),
    .executableTarget(
      name: "LifecycleSimulation", dependencies: ["CPlatform", "LifecycleModel", "Primitives", "Supervision"],
      path: "Tests/LifecycleSimulation",
      swiftSettings: swiftSettings, linkerSettings: staticExecutable),
    // The drain's judgment of recorded connections.
    .executableTarget(
      name: "DrainReplay", dependencies: ["CPlatform", "Supervision"], path: "Tests/DrainReplay", exclude: ["samples"],
      swiftSettings: swiftSettings, linkerSettings: staticExecutable),
    .testTarget(name: "PrimitivesTests", dependencies: ["Primitives", "Supervision"]),
    .testTarget(name: "LinuxFormatsTests", dependencies: ["LinuxFormats", "Primitives", "Supervision"]),
    .testTarget(name: "HTTPTests", dependencies: ["HTTP", "Primitives"]),
    .testTarget(
      name: "SupervisionTests",
      dependencies: ["HTTP", "LifecycleModel", "LinuxFormats", "Primitives", "Smoke", "Supervision"]),
    .testTarget(
      name: "PlatformTests", dependencies: ["LinuxFormats", "Platform", "Primitives", "Supervision", "TestSupport"]),
    // Does not depend on the executable, whose linker flags would leak into the test bundle. The tests run the release
    // binary as a process.
    .testTarget(name: "EndToEndTests", dependencies: ["TestSupport"]),
    // The command that the process tests run under ebb: C and static, so that it runs on an empty root file system.
    // Also in debug, because the tests run that build.
    .executableTarget(
      name: "TestApp", path: "Tests/TestApp", linkerSettings: [.unsafeFlags(["-static-executable"])]),
    // Both ways to serve Dispatch's manager queue.
    .executableTarget(
      name: "Manager", dependencies: ["CPlatform", "CLibcStubs"], path: "Tests/Manager",
      linkerSettings: [.unsafeFlags(["-static-stdlib"])] + wrappedCalls),
    // Helpers of the tests above and the programs below: processes, sockets, /proc. It imports neither Testing nor
    // Foundation. Ordinary Swift in both configurations.
    .target(name: "TestSupport", path: "Tests/TestSupport"),
    .executableTarget(
      name: "Benchmarks", dependencies: ["TestSupport"], path: "Tests/Benchmarks", exclude: ["README.md"]),
    .executableTarget(
      name: "RollingUpdate", dependencies: ["TestSupport"], path: "Tests/RollingUpdate",
      exclude: ["README.md", "errors.svg", "TLS/client.py", "TLS/server.py"]),
    .executableTarget(
      name: "FaultInjection", dependencies: ["TestSupport"], path: "Tests/FaultInjection", exclude: ["README.md"]),
  ]
)
