/// Whether a line of /proc/self/mountinfo is a /proc that hides the processes of other users; proc(5) `hidepid`.
package func hidesProcesses(mount line: ArraySlice<UInt8>) -> Bool {
  line.split(separator: UInt8(ascii: " ")).last?.split(separator: UInt8(ascii: ",")).contains {
    $0.starts(with: "hidepid=".utf8)
  } ?? false
}
