/// Why a command of ebb cannot do what was requested: one line of text, exit code 125.
struct CommandError: Error {
  let message: String
}
