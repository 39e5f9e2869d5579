import Glibc

/// The folder of the running executable; ebb's release binary lies beside it.
package func directoryOfThisProgram() -> String {
  let path = pathOfThisProgram()
  guard let slash = path.lastIndex(of: "/") else { return "." }
  return String(path[..<slash])
}

/// The running executable, which is also the command that the inits start (see Commands.swift).
package func pathOfThisProgram() -> String {
  var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
  let length = readlink("/proc/self/exe", &buffer, buffer.count)
  guard length > 0 else { return CommandLine.arguments[0] }
  return String(decoding: buffer[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

/// What ebb is told by its variables, and so by chance, would be part of every measurement.
package func forgetVariablesOfEbb() {
  var names: [String] = []
  var at = environ
  while let variable = at.pointee {
    let name = String(cString: variable).prefix { $0 != "=" }
    if name.hasPrefix("EBB_") { names.append(String(name)) }
    at += 1
  }
  for name in names { unsetenv(name) }
}
