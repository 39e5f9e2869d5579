import Foundation
import LifecycleModel
import Testing

@testable import Primitives

/// Checks each parser with mutated inputs, for EBB_FUZZ_SECONDS in all (default 2 s). EBB_FUZZ_SEED repeats a run.
@Suite struct FuzzTests {
  @Test(arguments: FuzzTarget.all)
  func `a parser withstands mutated inputs`(_ target: FuzzTarget) {
    let environment = ProcessInfo.processInfo.environment
    let seconds = environment["EBB_FUZZ_SECONDS"].flatMap(Double.init) ?? 2
    let seed = environment["EBB_FUZZ_SEED"].flatMap(UInt64.init) ?? UInt64.random(in: .min ... .max)
    print("fuzzing \(target.name): EBB_FUZZ_SEED=\(seed)")
    let end = Date().addingTimeInterval(seconds / Double(FuzzTarget.all.count))
    var mutator = Mutator(target, seed: seed)
    repeat {
      for _ in 0..<50 {
        let input = mutator.next()
        guard let problem = target.check(input) else { continue }
        Issue.record("\(target.name): \(problem), seed \(seed), input \(input)")
        return
      }
    } while Date() < end
  }

  @Test(arguments: FuzzTarget.all)
  func `a parser's seeds pass its check`(_ target: FuzzTarget) {
    for seed in target.seeds { #expect(target.check(seed) == nil, "\(seed)") }
  }
}

/// Makes new inputs of old ones: changes, removes or inserts bytes, or inserts another input.
private struct Mutator {
  private var random: SplitMix64
  private var corpus: [[UInt8]]
  private static let telling = Array("\0\t\n\r \"'()*+,-./019:;<=>?[\\]azAZ{|}~\u{7F}".utf8) + [0x80, 0xC3, 0xFF]

  init(_ target: FuzzTarget, seed: UInt64) {
    random = SplitMix64(state: seed)
    corpus = target.seeds + [[]]
  }

  mutating func next() -> [UInt8] {
    var input = pick()
    for _ in 0...Int.random(in: 0..<6, using: &random) { mutate(&input) }
    if corpus.count < 500, Int.random(in: 0..<20, using: &random) == 0 { corpus.append(input) }
    return input
  }

  private mutating func pick() -> [UInt8] { corpus[Int.random(in: 0..<corpus.count, using: &random)] }

  private mutating func mutate(_ input: inout [UInt8]) {
    let at = Int.random(in: 0...input.count, using: &random)
    let byte =
      Bool.random(using: &random)
      ? Mutator.telling.randomElement(using: &random) ?? 0 : UInt8.random(in: 0...255, using: &random)
    switch Int.random(in: 0..<6, using: &random) {
    case 0 where at < input.count: input[at] = byte
    case 1 where at < input.count:
      input.removeSubrange(at..<min(input.count, at + Int.random(in: 1...4, using: &random)))
    case 2: input.insert(contentsOf: [UInt8](repeating: byte, count: Int.random(in: 1...3, using: &random)), at: at)
    case 3 where Int.random(in: 0..<40, using: &random) == 0:  // beyond every limit
      input.insert(contentsOf: [UInt8](repeating: byte, count: 3000), at: at)
    case 4: input.insert(contentsOf: pick(), at: at)
    default: input = Array(input.prefix(at))
    }
    if input.count > 6000 { input = Array(input.prefix(6000)) }
  }
}
