/// Numbers in ascending order, each once. Found by halving, so that a look-up stays cheap with thousands of them.
public struct Ordered<Element: FixedWidthInteger & Sendable>: Sendable {
  /// All of them.
  public private(set) var elements: [Element] = []

  /// None.
  public init() {}

  /// Many at once: one by one, in no order, each would move half of the others.
  public init(_ unordered: [Element]) {
    elements.reserveCapacity(unordered.count)
    for element in unordered.sorted() where element != elements.last { elements.append(element) }
  }

  /// Takes one in. Returns where it stands.
  @discardableResult
  public mutating func insert(_ element: Element) -> Int {
    let place = place(of: element)
    if place == elements.count || elements[place] != element { elements.insert(element, at: place) }
    return place
  }

  /// Takes one out, if it is there.
  public mutating func remove(_ element: Element) {
    let place = place(of: element)
    if place < elements.count, elements[place] == element { elements.remove(at: place) }
  }

  /// Whether it is there.
  public func contains(_ element: Element) -> Bool { index(of: element) != nil }

  /// Where it stands; nil where it is not there.
  func index(of element: Element) -> Int? {
    let place = place(of: element)
    return place < elements.count && elements[place] == element ? place : nil
  }

  /// Where the first one stands that is not smaller.
  private func place(of element: Element) -> Int {
    var low = 0
    var high = elements.count
    while low < high {
      let middle = (low + high) / 2
      if elements[middle] < element { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
