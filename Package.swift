// swift-tools-version: 6.2
import PackageDescription

// Each module holds copies of the functions that it uses of another one. Swift 6.3 makes them weak symbols by itself, 6.2
// only with this option of its frontend; SwiftPM gives it where it knows of the feature.
#if compiler(>=6.3)
  let mergeable: [String] = []
#else
  let mergeable = ["-Xfrontend", "-mergeable-symbols"]
#endif

// Release is Embedded Swift: one static file of little more than a megabyte. Debug is ordinary Swift, so that `swift
// test` covers the same sources and `swift run ebb` runs. SwiftPM links a target as an Embedded one in debug too as soon
// as it sees `.enableExperimentalFeature("Embedded", …)`, under any condition: such an executable crashes. So the
// feature is a flag of the compiler here.
let embedded = ["-enable-experimental-feature", "Embedded", "-wmo"] + mergeable

// A section for each function lets the linker drop those that nothing calls: a sixth of the file.
let swiftSettings: [SwiftSetting] = [
  // Nothing is ever unwound: a trap ends the process, and no error of Swift's needs the tables. Exclusive access to
  // properties of classes is checked in debug, and so by the unit tests; here the checks are a hundredth of the file.
  // Array literals are made where they are used: as globals, which several modules define under one name, those of one
  // function may be numbered otherwise in another module, and the linker takes the first (Swift 6.3.1).
  .unsafeFlags(
    embedded + [
      "-Osize", "-enforce-exclusivity=unchecked", "-Xfrontend", "-function-sections",
      "-Xllvm", "-sil-disable-pass=object-outliner",
      "-Xcc", "-fno-asynchronous-unwind-tables", "-Xcc", "-fno-unwind-tables",
    ], .when(configuration: .release))
]

// lld makes the file 5 kB smaller than gold, links for aarch64, where GNU ld refuses a copy relocation, and keeps its own
// layout where a script only drops sections: among them the tables for unwinding, and with these their index.
let staticExecutable: [LinkerSetting] = [
  .unsafeFlags(
    embedded + [
      "-static-executable", "-use-ld=lld", "-Xlinker", "--gc-sections", "-Xlinker", "-s",
      "-Xlinker", "--no-eh-frame-hdr",
      "-Xlinker", "--script=\(Context.packageDirectory)/Sources/CLibcStubs/drop_sections.ld",
    ], .when(configuration: .release)),
  .unsafeFlags(["-static-stdlib"], .when(configuration: .debug)),
]

// Calls of Dispatch's that ebb stands in for; see Sources/CLibcStubs/manager_queue.c.
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
    // Replaces parts of libc, in the executable alone.
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

    // What must hold in any order of events; as Embedded Swift too, so that the very code that ships is simulated.
    .target(
      name: "LifecycleModel", dependencies: ["LinuxFormats", "Primitives", "Supervision"], path: "Tests/LifecycleModel",
      swiftSettings: swiftSettings),
    .executableTarget(
      name: "LifecycleSimulation", dependencies: ["CPlatform", "LifecycleModel", "Primitives", "Supervision"],
      path: "Tests/LifecycleSimulation",
      swiftSettings: swiftSettings, linkerSettings: staticExecutable),
    // What the drain makes of recorded connections.
    .executableTarget(
      name: "DrainReplay", dependencies: ["CPlatform", "Supervision"], path: "Tests/DrainReplay", exclude: ["samples"],
      swiftSettings: swiftSettings, linkerSettings: staticExecutable),
    .testTarget(name: "PrimitivesTests", dependencies: ["Primitives", "Supervision"]),
    .testTarget(name: "LinuxFormatsTests", dependencies: ["LinuxFormats", "Primitives", "Supervision"]),
    .testTarget(name: "HTTPTests", dependencies: ["HTTP", "Primitives"]),
    .testTarget(
      name: "SupervisionTests",
      dependencies: ["HTTP", "LifecycleModel", "LinuxFormats", "Primitives", "Smoke", "Supervision"]),
    .testTarget(name: "PlatformTests", dependencies: ["LinuxFormats", "Platform", "Primitives", "Supervision"]),
    // No dependency on the executable: its linker flags would leak into the test bundle. The tests run the release
    // binary as a process.
    .testTarget(name: "EndToEndTests"),
    // The talkative command that the process tests put under ebb: C and static, so that it runs on an empty root file
    // system, in debug too: that is the one which the tests run.
    .executableTarget(
      name: "TestApp", path: "Tests/TestApp", linkerSettings: [.unsafeFlags(["-static-executable"])]),
    // Both ways in which Dispatch's manager queue can be served.
    .executableTarget(
      name: "Manager", dependencies: ["CPlatform", "CLibcStubs"], path: "Tests/Manager",
      linkerSettings: [.unsafeFlags(["-static-stdlib"])] + wrappedCalls),
    // What the programs below measure with. Ordinary Swift in both configurations, as they are.
    .target(name: "TestSupport", path: "Tests/TestSupport"),
    .executableTarget(
      name: "Benchmarks", dependencies: ["TestSupport"], path: "Tests/Benchmarks", exclude: ["README.md"]),
    .executableTarget(
      name: "RollingUpdate", dependencies: ["TestSupport"], path: "Tests/RollingUpdate",
      exclude: ["README.md", "errors.svg"]),
    .executableTarget(
      name: "FaultInjection", dependencies: ["TestSupport"], path: "Tests/FaultInjection", exclude: ["README.md"]),
  ]
)
