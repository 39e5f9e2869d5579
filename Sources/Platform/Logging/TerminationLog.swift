import CPlatform

/// Replaces the content of the termination log; Kubernetes shows the first 4096 bytes in the pod's status. Creates the
/// file only if `path` names it. Ignores errors, because there is no place left to report them. Does not block on a
/// pipe without a reader, but does on a file system that hangs.
package func writeTerminationLog(_ message: [UInt8], to path: String?) {
  let descriptor = ebb_open_truncate((path ?? "/dev/termination-log").systemPath, path != nil)
  guard descriptor >= 0 else { return }
  let text = message.prefix(4096)
  text.withUnsafeBytes { _ = write(descriptor, $0.baseAddress, $0.count) }
  close(descriptor)
}
