import CPlatform
import Primitives

extension String {
  /// From what the kernel or libc gives; see `init(systemBytes:)`.
  package init(system text: UnsafePointer<CChar>) {
    self.init(systemBytes: UnsafeRawBufferPointer(start: text, count: strlen(text)))
  }

  /// The bytes that the kernel is to see, and the 0 behind them.
  var systemPath: [CChar] { (systemBytes + [0]).map { CChar(bitPattern: $0) } }
}
