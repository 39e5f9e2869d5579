import Testing

@testable import Supervision

@Suite struct UnknownVariableTests {
  @Test(arguments: [
    ("EBB_DELAYS", "EBB_DELAY"), ("EBB_TERMINATION_GRACE", "EBB_TERMINATION_GRACE_PERIOD"),
    ("EBB_READY_HTPP", "EBB_READY_HTTP"),
    ("EBB_STOP_SIGNAL", "EBB_STOP_SIGNALS"), ("EBB_LOGS", "EBB_LOG"),
    ("EBB_GRACE_PERIOD", "EBB_TERMINATION_GRACE_PERIOD"),
  ])
  func `the warning about an unknown variable proposes the nearest name`(name: String, nearest: String) {
    #expect(problem(withVariable: name)?.hasSuffix(": did you mean \(nearest)?") == true)
  }

  @Test(arguments: ["EBB_", "EBB_ACME", "EBB_X"])
  func `the warning about an unknown variable proposes no name that is not near`(name: String) {
    #expect(problem(withVariable: name) == "\"\(name)\" is not a variable of ebb and has no effect: see ebb --help")
  }

  @Test func `variables of ebb and those that Kubernetes makes for a service called ebb are not warned of`() {
    let names =
      RunOptions.table.map { $0.spec.variable } + [
        "EBB_SERVICE_HOST", "EBB_SERVICE_PORT", "EBB_SERVICE_PORT_HTTP", "EBB_PORT", "EBB_PORT_80_TCP",
        "EBB_PORT_80_TCP_ADDR",
        "EBB_SIGNAL",
      ]
    for name in names { #expect(problem(withVariable: name) == nil) }
  }

  @Test func `an unknown variable with a name of 100 kB is warned of`() {
    #expect(problem(withVariable: "EBB_" + String(repeating: "X", count: 100_000)) != nil)
  }
}
