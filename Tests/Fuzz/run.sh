#!/usr/bin/env bash
# libFuzzer over every parser: run.sh [SECONDS]. What it finds stands as crash-* in the scratch folder, and becomes a test.
set -euo pipefail
cd "$(dirname "$0")/../.."

scratch=.build/fuzz
mkdir -p "$scratch/corpus"
# One module, so that the fuzzer sees which branches of the sources an input takes.
swiftc -O -sanitize=fuzzer -parse-as-library -module-name Supervision -package-name ebb -suppress-warnings \
  $(find Sources/Supervision -name "*.swift") Tests/SupervisionTests/FuzzTargets.swift Tests/Fuzz/LibFuzzer.swift -o "$scratch/fuzz"
# Swift would print the stack itself and not let libFuzzer keep the input.
SWIFT_BACKTRACE=enable=no "$scratch/fuzz" -max_total_time="${1:-60}" -max_len=3000 -timeout=5 -print_final_stats=1 -artifact_prefix="$scratch/" "$scratch/corpus"
