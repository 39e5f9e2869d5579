import Primitives

/// What runs this container, as far as it tells how long it waits from its stop signal to its own SIGKILL.
package enum Orchestrator: Sendable, CaseIterable {
  case kubernetes, ecs, nomad
  /// Docker, Podman, Compose, systemd, a person: 10 s in the first three, unless they were told otherwise.
  case unknown

  /// By the environment variables that it sets.
  init(_ variable: (String) -> String?) {
    func isSet(_ name: String) -> Bool { variable(name)?.utf8.isEmpty == false }
    if isSet("KUBERNETES_SERVICE_HOST") {
      self = .kubernetes
    } else if isSet("ECS_CONTAINER_METADATA_URI") || isSet("ECS_CONTAINER_METADATA_URI_V4") {
      self = .ecs
    } else {
      self = isSet("NOMAD_ALLOC_ID") ? .nomad : .unknown
    }
  }

  /// As logs and JSON have it.
  package var name: String {
    switch self {
    case .kubernetes: "kubernetes"
    case .ecs: "ecs"
    case .nomad: "nomad"
    case .unknown: "unknown"
    }
  }

  /// What it most likely allows. The defaults of the times before the stop signal is forwarded follow it.
  var likelyPeriod: TimeAmount {
    switch self {
    case .kubernetes, .ecs: StopTimes.defaultPeriod
    case .nomad: .seconds(5)
    case .unknown: .seconds(10)
    }
  }
}
