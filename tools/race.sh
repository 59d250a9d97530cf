#!/usr/bin/env bash
# Runs tests under the race detector: tools/race.sh FLAG… -- PACKAGE…
#
# Once in some hundred runs the detector's own library ends a program of many goroutines at a check of its records of them,
# and reports no race. A package that ended so and failed in nothing else is run once more, and has to pass then.
set -uo pipefail
flags=()
while [ "$1" != -- ]; do flags+=("$1"); shift; done
shift
output=$(mktemp)
trap 'rm -f "$output"' EXIT
"${GO:-go}" test -race "${flags[@]}" "$@" 2>&1 | tee "$output" && exit 0
# Whatever a package prints comes before the line with its result.
aborted=$(awk -F'\t' '
  /^ThreadSanitizer: CHECK failed: tsan_rtl\.cpp:[0-9]+ "\(\(part\)\) == \(\(part1\)\)"/ { aborted = 1; next }
  /^ *--- FAIL|^panic: |^fatal error: |DATA RACE|^(ok|\?)? *FAIL.*\[/ { other = 1 }
  $1 == "FAIL" && $2 != "" { if (!aborted || other) real = 1; else print $2 }
  ($1 == "FAIL" || $1 ~ /^ok/) && $2 != "" { aborted = 0; other = 0 }
  END { exit real }' "$output") || exit 1
[ -n "$aborted" ] || exit 1
echo "once more, since the race detector itself failed there:" $aborted
"${GO:-go}" test -race "${flags[@]}" $aborted
