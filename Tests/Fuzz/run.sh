#!/usr/bin/env bash
# Runs libFuzzer over every parser: run.sh [SECONDS]. Findings are crash-* in the scratch folder and become tests.
set -euo pipefail
cd "$(dirname "$0")/../.."

scratch=.build/fuzz
mkdir -p "$scratch/corpus"
options=(-O -sanitize=fuzzer -parse-as-library -package-name ebb -suppress-warnings -I "$scratch")
# In the order of their imports, with the fuzzer's counters, which report the branches that an input takes.
objects=()
for module in Primitives LinuxFormats HTTP Supervision Smoke; do
  swiftc "${options[@]}" -wmo -enable-testing -module-name "$module" -emit-module \
    -emit-module-path "$scratch/$module.swiftmodule" -c $(find "Sources/$module" -name "*.swift") -o "$scratch/$module.o"
  objects+=("$scratch/$module.o")
done
swiftc "${options[@]}" -module-name Fuzz Tests/SupervisionTests/FuzzTargets.swift Tests/Fuzz/LibFuzzer.swift \
  "${objects[@]}" -o "$scratch/fuzz"
# Swift would print the backtrace itself and keep libFuzzer from saving the input.
SWIFT_BACKTRACE=enable=no "$scratch/fuzz" -max_total_time="${1:-60}" -max_len=3000 -timeout=5 -print_final_stats=1 -artifact_prefix="$scratch/" "$scratch/corpus"
