/// Why a command of ebb's own cannot do what it was asked: one line, exit 125.
struct CommandError: Error {
  let message: String
}
