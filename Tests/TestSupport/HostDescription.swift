import Glibc

/// Returns the kernel, the number of processors and their model.
package func machine() -> String {
  var name = utsname()
  uname(&name)
  let release = withUnsafeBytes(of: &name.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  let model =
    (try? readFile("/proc/cpuinfo")).flatMap { text in
      text.split(separator: "\n").first { $0.hasPrefix("model name") }?.split(separator: ":").last
    } ?? "unknown processor"
  return "Linux \(release), \(onlineCores()) cores,\(model)"
}

/// The number of online processors.
package func onlineCores() -> Int {
  max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
}
