/// The reason why a test or a measurement cannot continue, as one sentence. A missed threshold is not a failure.
package struct Failure: Error, CustomStringConvertible {
  package let description: String

  package init(_ description: String) {
    self.description = description
  }
}
