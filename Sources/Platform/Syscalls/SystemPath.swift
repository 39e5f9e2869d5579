import CPlatform
import Primitives

extension String {
  /// Copies a string of the kernel or libc; see `init(systemBytes:)`.
  package init(system text: UnsafePointer<CChar>) {
    self.init(systemBytes: UnsafeRawBufferPointer(start: text, count: strlen(text)))
  }

  /// The bytes for the kernel, with the 0 at the end.
  var systemPath: [CChar] { (systemBytes + [0]).map { CChar(bitPattern: $0) } }
}
