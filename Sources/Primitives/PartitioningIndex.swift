extension RandomAccessCollection where Index == Int {
  /// Returns the index of the first element that meets a condition which all later elements meet too, by binary search.
  package func partitioningIndex(where isMet: (Element) -> Bool) -> Int {
    var (low, high) = (startIndex, endIndex)
    while low < high {
      let middle = low + (high - low) / 2
      if isMet(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
