import Foundation
import TestSupport

extension String {
  /// Parses the text as a JSON object.
  ///
  /// - Throws: A `Failure` that quotes the text if it is not one.
  func jsonObject() throws -> [String: Any] {
    guard let object = try? JSONSerialization.jsonObject(with: Data(utf8)) as? [String: Any] else {
      throw Failure("not a JSON object: \(self)")
    }
    return object
  }
}
