import CPlatform
import LifecycleModel
import Supervision

/// Simulates runs of the lifecycle with random options and events, until HOURS of simulated time and EVENTS are reached:
/// LifecycleSimulation HOURS EVENTS SEED. Prints one line per problem, and a summary line at the end.
@_cdecl("LifecycleSimulation_main")
package func main(
  argumentCount: Int32, arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>,
  environment: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> Int32 {
  guard argumentCount == 4, let hours = number(arguments[1]), let most = number(arguments[2]),
    let seed = number(arguments[3])
  else {
    print("usage: LifecycleSimulation HOURS EVENTS SEED")
    return 2
  }
  var simulation = Simulation(seed: UInt64(seed))
  while simulation.hours < hours || simulation.events < most { simulation.run() }
  print(simulation.summary)
  return simulation.problems == 0 ? 0 : 1
}

private func number(_ text: UnsafeMutablePointer<CChar>?) -> Int? {
  text.map { Int(strtoul($0, nil, 10)) }
}
