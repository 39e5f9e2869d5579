// Compares ebb with tini, tini-static, dumb-init and catatonit in one interleaved run. Prints one table.
//
//     swift build -c release && swift run -c release Benchmarks [--quick] [--only NAME] [--markdown] [--ebb FILE]
//
// Exit code: 0 all bars reached, 1 a bar missed, 2 the benchmark itself failed.

import Glibc
import TestSupport

if CommandLine.arguments.count > 1, CommandLine.arguments[1] == commandMode {
  runCommand(Array(CommandLine.arguments.dropFirst(2)))
}

do throws(Failure) {
  let options = try Options(Array(CommandLine.arguments.dropFirst()))
  let bench = Bench(options: options, programs: try findPrograms(options))
  interruptSystemCallsOnAlarm()
  describeMachine(bench)

  bench.run(.size, measureFile)
  bench.run(.instructions, measureInstructions)
  bench.run(.start, measureStart)
  bench.run(.signal, measureSignals)
  bench.run(.orphans, measureOrphans)
  bench.run(.idle, measureIdle)
  bench.run(.kill, measureKill)
  bench.run(.inspection, measureInspection)
  bench.run(.connections, measureConnections)
  bench.run(.health, measureHealth)
  bench.run(.endurance, measureEndurance)

  bench.report.print(markdown: options.markdown, programs: bench.programs)
  exit(bench.report.missed ? 1 : 0)
} catch {
  complain("benchmarks: \(error.description)")
  exit(2)
}
