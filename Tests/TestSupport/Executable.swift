import Glibc

/// The folder of the running executable, which also contains ebb's release binary.
package func directoryOfThisProgram() -> String {
  let path = pathOfThisProgram()
  guard let slash = path.lastIndex(of: "/") else { return "." }
  return String(path[..<slash])
}

/// The running executable, which is also the command that the inits start (see Commands.swift).
package func pathOfThisProgram() -> String {
  readLink("/proc/self/exe") ?? CommandLine.arguments[0]
}

/// Removes all variables of ebb, which would otherwise change each measurement.
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
