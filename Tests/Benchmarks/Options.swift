import Glibc

/// What makes the benchmark itself impossible, as one sentence. A missed bar is no failure.
struct Failure: Error {
  let message: String

  init(_ message: String) {
    self.message = message
  }
}

/// The measurements, by the name that `--only` takes.
enum Measurement: String, CaseIterable {
  case size, start, signal, orphans, idle, kill, inspection, health, endurance
}

/// The command line of the benchmark.
struct Options {
  var quick = false
  var markdown = false
  var only: Set<Measurement> = Set(Measurement.allCases)
  var ebb = directoryOfThisProgram() + "/ebb"

  init(_ arguments: [String]) throws(Failure) {
    var chosen: Set<Measurement> = []
    var rest = arguments[...]
    while let word = rest.popFirst() {
      switch word {
      case "--quick":
        quick = true
      case "--markdown":
        markdown = true
      case "--only":
        guard let name = rest.popFirst(), let measurement = Measurement(rawValue: name) else {
          let names = Measurement.allCases.map(\.rawValue).joined(separator: ", ")
          throw Failure("--only takes one of \(names); it can be repeated")
        }
        chosen.insert(measurement)
      case "--ebb":
        guard let path = rest.popFirst() else { throw Failure("--ebb takes the path of a binary") }
        ebb = path
      default:
        throw Failure("\"\(word)\" is not an option; there are --quick, --only NAME, --markdown and --ebb FILE")
      }
    }
    if !chosen.isEmpty { only = chosen }
    guard access(ebb, X_OK) == 0 else {
      throw Failure("there is no \(ebb); build it first: swift build -c release")
    }
  }

  /// Rounds of a measurement: the full number, or the smaller one of `--quick`.
  func rounds(_ full: Int, quick small: Int) -> Int {
    quick ? small : full
  }
}

/// The folder of the running executable; ebb's release binary lies beside it.
func directoryOfThisProgram() -> String {
  let path = pathOfThisProgram()
  guard let slash = path.lastIndex(of: "/") else { return "." }
  return String(path[..<slash])
}

/// The running executable, which is also the command that the inits start (see Commands.swift).
func pathOfThisProgram() -> String {
  var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
  let length = readlink("/proc/self/exe", &buffer, buffer.count)
  guard length > 0 else { return CommandLine.arguments[0] }
  return String(decoding: buffer[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

/// One line on standard error.
func complain(_ line: String) {
  writeAll(line + "\n", to: 2)
}

/// Progress, on standard error so that the table can be redirected.
func progress(_ line: String) {
  complain("… \(line)")
}

/// Writes the whole text; an error of a terminal or pipe is of no interest here.
func writeAll(_ text: String, to descriptor: Int32) {
  var bytes = Array(text.utf8)[...]
  while !bytes.isEmpty {
    let written = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    if written < 0 {
      if errno == EINTR { continue }
      return
    }
    bytes = bytes.dropFirst(written)
  }
}
