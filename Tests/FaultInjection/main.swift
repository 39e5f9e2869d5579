// Injects faults into ebb, often enough to be sure. Prints one table with a row per fault.
//
//     swift build -c release && swift run -c release FaultInjection [--quick] [--markdown] [--ebb FILE] [ROW...]
//
// Exit code: 0 nothing was lost and all bars reached, 1 a bar missed, 2 the run itself failed.

import Glibc
import TestSupport

do throws(Failure) {
  forgetVariablesOfEbb()
  let options = try Options(Array(CommandLine.arguments.dropFirst()))
  let report = Report(options)
  for fault in Fault.allCases where options.faultInjection.contains(fault) {
    progress(fault.rawValue)
    report.add(fault.findings(options))
  }
  writeAll(report.text, to: 1)
  exit(report.missed ? 1 : 0)
} catch {
  complain("faults: \(error.description)")
  exit(2)
}
