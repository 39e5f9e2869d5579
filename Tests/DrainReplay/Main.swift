import CPlatform
import Primitives

/// Applies the drain's rules to recorded connections: DrainReplay FILE.csv... Prints a line for each scenario with a
/// wrong judgment, and the number of each kind.
@c(DrainReplay_main)
public func main(
  argumentCount: Int32, arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>,
  environment: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> Int32 {
  var slow = (wrong: 0, all: 0)
  var idle = (wrong: 0, all: 0)
  for number in 1..<max(1, Int(argumentCount)) {
    guard let path = arguments[number], let text = contents(of: path), let recording = Recording(text) else {
      print("DrainReplay: argument \(number) is no recording of connections")
      return 2
    }
    let busy = recording.replay()
    let wrong = recording.isOwed ? busy.all - busy.busy : busy.busy
    if recording.isOwed {
      slow = (slow.wrong + wrong, slow.all + busy.all)
    } else {
      idle = (idle.wrong + wrong, idle.all + busy.all)
    }
    if wrong > 0 { print("\(recording.scenario): \(recording.isOwed ? "lost" : "held") \(wrong) of \(busy.all)") }
  }
  print("slow requests lost \(slow.wrong) of \(slow.all)")
  print("idle connections held \(idle.wrong) of \(idle.all)")
  return 0
}

private func contents(of path: UnsafePointer<CChar>) -> [UInt8]? {
  let descriptor = ebb_open_existing(path, false)
  guard descriptor >= 0 else { return nil }
  defer { close(descriptor) }
  var bytes: [UInt8] = []
  var piece = [UInt8](repeating: 0, count: 64 * 1024)
  while true {
    let count = read(descriptor, &piece, piece.count)
    guard count > 0 else { return count == 0 ? bytes : nil }
    bytes += piece[..<count]
  }
}
