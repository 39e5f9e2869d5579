/// Why the connections could not be counted. It never means that there are none.
package struct SamplingFailure: Error {
  /// `sock_diag: Operation not permitted`
  package let reason: String
}
