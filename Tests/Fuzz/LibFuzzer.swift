/// Runs one input of libFuzzer: the first byte selects the parser of the rest.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  guard count > 0 else { return 0 }
  let target = FuzzTarget.all[Int(bytes[0]) % FuzzTarget.all.count]
  let input = Array(UnsafeBufferPointer(start: bytes + 1, count: count - 1))
  if let problem = target.check(input) { fatalError("\(target.name): \(problem)") }
  return 0
}
