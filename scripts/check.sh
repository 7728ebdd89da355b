#!/bin/bash
# usage: check.sh
# Format lint, a build where warnings are errors and every import must be declared, generated code up to date, and the
# number of promises the compiler cannot check. Runs every check, then fails if one did.
set -uo pipefail
cd "$(dirname "$0")/.."
failed=()

# What one may find in Sources; a change of a number is a decision, so it is made here.
max_unchecked_sendable=3 # TLSContext, Curve: immutable C handles; Monitor: a lock
max_nonisolated_unsafe=0

check() { # check NAME COMMAND...
  local name=$1
  shift
  echo "check: $name"
  "$@" || failed+=("$name")
}

promises() {
  local found status=0 pattern limit
  while read -r limit pattern; do
    found=$(grep -rnF --include='*.swift' -- "$pattern" Sources)
    if [ "$(grep -c . <<<"$found")" -gt "$limit" ]; then
      printf '%s\nmore than %s × %s\n' "$found" "$limit" "$pattern"
      status=1
    fi
  done <<EOF
$max_unchecked_sendable @unchecked Sendable
$max_nonisolated_unsafe nonisolated(unsafe)
EOF
  return $status
}

generated() {
  local fresh status=0
  fresh=$(mktemp -d)
  ./scripts/proto.sh "$fresh" && diff -r "$fresh" Sources/Proto/C || status=1
  rm -rf "$fresh"
  return $status
}

check "format" swift format lint --strict --parallel --recursive Package.swift Sources Tests
check "generated code" generated
check "unchecked promises" promises
check "warnings and imports" swift build --build-tests --explicit-target-dependency-import-check error

if [ ${#failed[@]} -gt 0 ]; then
  printf 'check: FAILED: %s\n' "${failed[@]}"
  exit 1
fi
echo "check: all good"
