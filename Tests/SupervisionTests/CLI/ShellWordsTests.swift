import Testing

@testable import Supervision

@Suite struct ShellWordsTests {
  @Test(arguments: [
    ("", []), ("  \t\n", []), ("a", ["a"]), (" a  b\tc\n", ["a", "b", "c"]), ("'a b' c", ["a b", "c"]),
    ("a'b c'd", ["ab cd"]),
    ("\"a b\"", ["a b"]), ("''", [""]), ("a \"\" b", ["a", "", "b"]), ("'a\\b\"c'", ["a\\b\"c"]),
    ("\"it's\"", ["it's"]),
    ("\"a\\\"b\\\\c\\d\"", ["a\"b\\c\\d"]), ("a\\ b\\'c\\\\", ["a b'c\\"]), ("\\\"a", ["\"a"]),
    ("sh -c 'sleep 1; echo $X'", ["sh", "-c", "sleep 1; echo $X"]),
    ("$HOME ~ * # ; |", ["$HOME", "~", "*", "#", ";", "|"]), ("größe ''é", ["größe", "é"]),
  ])
  func `a command line is split at blanks outside quotes, and nothing is expanded`(line: String, expected: [String]) {
    #expect(splitShellWords(line) == expected)
  }

  @Test(arguments: ["'", "a 'b", "\"", "\"a\\\"", "a\\", "\"\\"])
  func `a command line with an open quote or a last backslash is refused`(line: String) {
    #expect(splitShellWords(line) == nil)
  }
}
