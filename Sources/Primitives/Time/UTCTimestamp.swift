/// Formats milliseconds since 1970-01-01 UTC as `2026-01-31T12:00:00.123Z`, RFC 3339. An earlier time is shown as 1970.
package func utcTimestamp(unixMilliseconds: Int) -> String {
  let total = max(0, unixMilliseconds)
  let day = civilDay(sinceEpoch: total / 86_400_000)
  let time = total % 86_400_000
  return "\(zeroPadded(day.year, 4))-\(zeroPadded(day.month, 2))-\(zeroPadded(day.day, 2))T"
    + "\(zeroPadded(time / 3_600_000, 2)):\(zeroPadded(time / 60_000 % 60, 2)):\(zeroPadded(time / 1000 % 60, 2)).\(zeroPadded(time % 1000, 3))Z"
}

/// Returns the Gregorian date of a number of days since 1970-01-01. The calculation uses years that begin in March, so
/// that a leap day is the last of its year, and eras of 400 years, which all have the same length.
private func civilDay(sinceEpoch days: Int) -> (year: Int, month: Int, day: Int) {
  let sinceMarch0 = days + 719_468  // 0000-03-01
  let era = sinceMarch0 / 146_097
  let dayOfEra = sinceMarch0 % 146_097
  let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
  let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
  let monthFromMarch = (5 * dayOfYear + 2) / 153
  let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
  let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
  return (era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month, day)
}
