import Glibc
import TestSupport

/// The measurements, by the name for `--only`.
enum Measurement: String, CaseIterable {
  case size, instructions, start, signal, orphans, idle, kill, inspection, connections, health, endurance
}

/// The options of the benchmark.
struct Options {
  var quick = false
  var markdown = false
  var only: Set<Measurement> = Set(Measurement.allCases)
  /// The measured binary: a copy in `folder`.
  private(set) var ebb = directoryOfThisProgram() + "/ebb"
  /// The folder for this run's files.
  let folder = directoryOfThisProgram() + "/measured"

  init(_ arguments: [String]) throws(Failure) {
    var chosen: Set<Measurement> = []
    var remaining = arguments[...]
    while let word = remaining.popFirst() {
      switch word {
      case "--quick":
        quick = true
      case "--markdown":
        markdown = true
      case "--only":
        guard let name = remaining.popFirst(), let measurement = Measurement(rawValue: name) else {
          let names = Measurement.allCases.map(\.rawValue).joined(separator: ", ")
          throw Failure("--only needs one of \(names); it can be repeated")
        }
        chosen.insert(measurement)
      case "--ebb":
        guard let path = remaining.popFirst() else { throw Failure("--ebb needs the path of a binary") }
        ebb = path
      default:
        throw Failure("\"\(word)\" is not an option; there are --quick, --only NAME, --markdown and --ebb FILE")
      }
    }
    if !chosen.isEmpty { only = chosen }
    guard access(ebb, X_OK) == 0 else {
      throw Failure("there is no \(ebb); build it first: swift build -c release")
    }
    ebb = try freshCopy(of: ebb)
  }

  /// Copies the binary. The linker writes its file page by page in random order. Run from the page cache, such a file
  /// costs 6 %, because its memory is scattered. An image's layer is written from front to back, like this copy.
  private func freshCopy(of path: String) throws(Failure) -> String {
    let copy = folder + "/ebb"
    mkdir(folder, 0o755)
    unlink(copy)
    let file = open(copy, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o755)
    guard file >= 0 else { throw Failure("cannot create \(copy): \(text(errno))") }
    defer { close(file) }
    let bytes = try readBytes(path)
    guard write(file, bytes, bytes.count) == bytes.count else { throw Failure("cannot write \(copy): \(text(errno))") }
    return copy
  }

  /// Returns the rounds of a measurement: the full number, or the smaller one with `--quick`.
  func rounds(_ full: Int, quick small: Int) -> Int {
    quick ? small : full
  }
}
