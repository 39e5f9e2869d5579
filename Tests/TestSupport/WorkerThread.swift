import Glibc

/// A thread for work that blocks, and its result.
package final class WorkerThread<Value: Sendable>: @unchecked Sendable {
  private let body: @Sendable () -> Value
  private var value: Value?
  private var thread = pthread_t()

  package init(_ body: @escaping @Sendable () -> Value) {
    self.body = body
    let unmanaged = Unmanaged.passRetained(self as AnyObject)
    let error = pthread_create(
      &thread, nil,
      { argument in
        guard let argument, let thread = Unmanaged<AnyObject>.fromOpaque(argument).takeRetainedValue() as? any Runnable
        else { return nil }
        thread.run()
        return nil
      }, unmanaged.toOpaque())
    precondition(error == 0, "no thread to be had")
  }

  /// Waits for the end of the work and returns its result. Must be called once.
  package func join() -> Value {
    pthread_join(thread, nil)
    guard let value else { preconditionFailure("the thread ended without a value") }
    return value
  }
}

private protocol Runnable: AnyObject {
  func run()
}

extension WorkerThread: Runnable {
  fileprivate func run() { value = body() }
}
