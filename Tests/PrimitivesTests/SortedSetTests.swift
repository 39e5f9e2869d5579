import Testing

@testable import Primitives

@Suite struct SortedSetTests {
  @Test func `a sorted set has each number once, in ascending order`() {
    var numbers = SortedSet<UInt16>()
    for number in [5, 1, 3, 5, 1, 65535, 0] as [UInt16] { numbers.insert(number) }
    #expect(numbers.elements == [0, 1, 3, 5, 65535])
    for number in UInt16.min...UInt16.max { #expect(numbers.contains(number) == numbers.elements.contains(number)) }
    #expect(SortedSet<UInt16>([5, 1, 3, 5, 1, 65535, 0]).elements == numbers.elements)
    #expect(SortedSet<UInt16>([]).elements.isEmpty)
  }
}
