/// What makes a whole run of measurements impossible, as one sentence. A missed bar is no failure.
package struct Failure: Error {
  package let message: String

  package init(_ message: String) {
    self.message = message
  }
}
