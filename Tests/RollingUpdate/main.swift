// A rolling update with real programs and requests: which requests fail, and how long the update takes. Prints a table and
// draws a picture.
//
//     swift build -c release && swift run -c release RollingUpdate [--short] [--swarm | --tls] [--markdown] [--svg FILE]
//
// Exit code: 0 all bars reached, 1 a bar missed, 2 the experiment itself failed.

import Glibc
import TestSupport

do throws(Failure) {
  forgetVariablesOfEbb()
  let options = try Options(Array(CommandLine.arguments.dropFirst()))
  let schedule: Schedule
  switch (options.swarm, options.tls) {
  case (true, _): schedule = options.short ? .shortSwarm : .swarm
  case (_, true): schedule = options.short ? .shortTLS : .tls
  default: schedule = options.short ? .short : .long
  }
  let folder = try makeFolder()
  let programs = try Programs(options, folder)

  var outcomes: [Outcome] = []
  if options.swarm {
    outcomes = try runOnSwarm(schedule, programs, folder)
  } else {
    for batch in try batches(schedule, programs, folder) { outcomes += try runTogether(batch) }
  }

  if let file = options.svg { try writeFile(file, chart(outcomes, schedule)) }
  let report = Report(outcomes, schedule)
  writeAll(report.text(markdown: options.markdown), to: 1)
  // The logs show the reason.
  if report.missed { complain("the logs of all replicas are in \(folder)") } else { removeFolder(folder) }
  exit(report.missed ? 1 : 0)
} catch {
  complain("rolling update: \(error.description)")
  exit(2)
}
