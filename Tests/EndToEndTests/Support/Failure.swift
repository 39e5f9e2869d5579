/// What went wrong in a test, in a sentence, with everything the process had printed.
struct Failure: Error, CustomStringConvertible {
  let description: String

  /// - Parameter description: The sentence.
  init(_ description: String) { self.description = description }
}
