/// Why the connections could not be counted. It never means that there are none.
package struct SamplingFailure: Error {
  /// For example `sock_diag: Operation not permitted`.
  package let reason: String
}
