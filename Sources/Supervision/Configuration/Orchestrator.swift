import Primitives

/// The orchestrator of this container, which determines the time between its stop signal and its own SIGKILL.
package enum Orchestrator: Sendable, CaseIterable {
  case kubernetes, ecs, nomad
  /// Docker, Podman, Compose, systemd or a person. The first three allow 10 s by default.
  case unknown

  /// Recognises the orchestrator by the environment variables that it sets.
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

  /// The name in logs and JSON.
  package var name: String {
    switch self {
    case .kubernetes: "kubernetes"
    case .ecs: "ecs"
    case .nomad: "nomad"
    case .unknown: "unknown"
    }
  }

  /// The most likely grace period, from which the defaults of delay and drain are calculated.
  var likelyPeriod: TimeAmount {
    switch self {
    case .kubernetes, .ecs: StopTimes.defaultPeriod
    case .nomad: .seconds(5)
    case .unknown: .seconds(10)
    }
  }
}
