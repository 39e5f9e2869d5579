import Glibc
import TestSupport

/// Measures many runs in a row: no exit code may be lost and no run may hang, even if the command exits immediately.
func measureEndurance(_ bench: Bench) throws(Failure) {
  let runs = bench.options.rounds(5000, quick: 500)
  let launch = Launch(bench.ebb.running(["/bin/true"]))
  let whole = try count(runs) { _ in (launch, 0) }
  bench.report.add(Row("\(runs) × `/bin/true`: wrong / hung", texts: ["ebb": "\(whole.wrong) / \(whole.hung)"]))
  bench.report.judge(
    "\(runs) runs of `/bin/true`: all exit 0, none hangs", measured: "\(whole.wrong) wrong, \(whole.hung) hung",
    whole.wrong + whole.hung == 0)

  guard let image = tinyProgram else {
    bench.report.note("no program that exits immediately for this processor; its bar is not judged")
    return
  }
  // Beside this executable, because a folder for temporary files may forbid execution.
  let path = directoryOfThisProgram() + "/exit-at-once-\(getpid())"
  try writeProgram(image, path)
  defer { unlink(path) }
  let launches = (0...255).map { code in
    let word: [UInt8] = code == 0 ? [] : [UInt8(code)]
    return Launch(bytes: bench.ebb.running([path]).map { Array($0.utf8) } + [word])
  }
  let early = try count(runs) { (launches[$0 % 256], Int32($0 % 256)) }
  bench.report.add(Row("\(runs) × immediate exit: lost / hung", texts: ["ebb": "\(early.wrong) / \(early.hung)"]))
  bench.report.judge(
    "command that exits immediately: 0 lost in \(runs)", measured: "\(early.wrong) lost, \(early.hung) hung",
    early.wrong + early.hung == 0)
}

private func count(
  _ runs: Int, _ run: (Int) -> (launch: Launch, code: Int32)
) throws(Failure) -> (wrong: Int, hung: Int) {
  var wrong = 0
  var hung = 0
  for index in 0..<runs {
    let (launch, code) = run(index)
    switch finish(try launch.start()) {
    case .hung: hung += 1
    case .code(code): break
    default: wrong += 1
    }
    // Every hang lasts until its timeout, so a few are enough.
    if hung == 3 { break }
  }
  return (wrong, hung)
}

private func writeProgram(_ image: [UInt8], _ path: String) throws(Failure) {
  let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o755)
  guard descriptor >= 0 else { throw Failure("cannot create \(path): \(text(errno))") }
  defer { close(descriptor) }
  guard image.withUnsafeBytes({ write(descriptor, $0.baseAddress, $0.count) }) == image.count else {
    throw Failure("cannot write \(path): \(text(errno))")
  }
}

/// An ELF file of a few instructions that exits with the first byte of its first argument. It ends sooner after its
/// exec than any program with a C library, so it wins the race with the supervisor as often as possible.
private var tinyProgram: [UInt8]? {
  #if arch(x86_64)
    let machine = 62
    let code: [UInt8] = [
      0x48, 0x8b, 0x44, 0x24, 0x10,  // mov rax, [rsp+16]   argv[1]
      0x0f, 0xb6, 0x38,  //             movzx edi, byte [rax]
      0xb8, 0xe7, 0x00, 0x00, 0x00,  // mov eax, 231        exit_group
      0x0f, 0x05,  //                   syscall
    ]
  #elseif arch(arm64)
    let machine = 183
    let code: [UInt8] = [
      0xe0, 0x0b, 0x40, 0xf9,  // ldr x0, [sp, #16]         argv[1]
      0x00, 0x00, 0x40, 0x39,  // ldrb w0, [x0]
      0xc8, 0x0b, 0x80, 0xd2,  // mov x8, #94               exit_group
      0x01, 0x00, 0x00, 0xd4,  // svc #0
    ]
  #else
    return nil
  #endif
  let base = 0x40_0000
  let headers = 64 + 56
  var image: [UInt8] = [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1] + [UInt8](repeating: 0, count: 9)
  func add(_ value: Int, _ size: Int) {
    for shift in 0..<size { image.append(UInt8(truncatingIfNeeded: value >> (8 * shift))) }
  }
  // File header: executable, machine, version, entry, program headers, no sections, flags, then sizes and counts.
  for (value, size) in [(2, 2), (machine, 2), (1, 4), (base + headers, 8), (64, 8), (0, 8), (0, 4)] { add(value, size) }
  for value in [64, 56, 1, 64, 0, 0] { add(value, 2) }
  // One program header that loads the whole file, readable and executable.
  add(1, 4)
  add(5, 4)
  for value in [0, base, base, headers + code.count, headers + code.count, 0x1000] { add(value, 8) }
  return image + code
}
