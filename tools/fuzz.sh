#!/usr/bin/env bash
# Runs one fuzz target: tools/fuzz.sh TIME PACKAGE TARGET
set -uo pipefail
output=$("${GO:-go}" test -run '^$' -fuzz "^$3\$" -fuzztime "$1" -fuzzminimizetime 100x -parallel 1 "$2" 2>&1)
status=$?
# The target itself failed, with these words alone, and none of its inputs did.
if [ "$status" -ne 0 ] && grep -qx '    context deadline exceeded' <<<"$output" && ! grep -qE '^ +--- FAIL' <<<"$output" &&
  ! grep -qE 'Failing input written|hung or terminated|panic:|DATA RACE' <<<"$output"; then
  status=0 # the end of the time, not a finding: https://go.dev/issue/75804, until Go 1.27
fi
if [ "$status" -ne 0 ]; then
  echo "$2 $3: failed"
  echo "$output"
  exit 1 # the others are run all the same
fi
echo "$2 $3: $(grep -o 'execs: [0-9]*' <<<"$output" | tail -1)"
