/// Distinct numbers in ascending order. A look-up is a binary search, so it stays cheap with thousands of elements.
package struct SortedSet<Element: FixedWidthInteger & Sendable>: Sendable {
  package private(set) var elements: [Element] = []

  package init() {}

  /// Sorts once: inserting unordered elements one by one would move half of the others each time.
  package init(_ unordered: [Element]) {
    elements.reserveCapacity(unordered.count)
    for element in unordered.sorted() where element != elements.last { elements.append(element) }
  }

  package mutating func insert(_ element: Element) {
    let place = insertionIndex(of: element)
    guard place == elements.count || elements[place] != element else { return }
    elements.insert(element, at: place)
  }

  package mutating func remove(_ element: Element) {
    let place = insertionIndex(of: element)
    if place < elements.count, elements[place] == element { elements.remove(at: place) }
  }

  package func contains(_ element: Element) -> Bool {
    let place = insertionIndex(of: element)
    return place < elements.count && elements[place] == element
  }

  /// The index of the first element that is not smaller.
  private func insertionIndex(of element: Element) -> Int { elements.partitioningIndex { $0 >= element } }
}
