#!/usr/bin/env bash
# Runs the next schedules of the simulation that have not run yet, SCHEDULES of each mode, and writes them down:
# tools/sim-next.sh [SCHEDULES]
#
# A row of docs/internals/schedules.csv is a range of seeds in which no promise was broken, on the state of the code that its
# commit names: with that commit it can be run again, and has to give the same digest. A range with a broken promise is not
# written down; its seed is printed.
set -euo pipefail
cd "$(dirname "$0")/.."
schedules=${1:-20000}
ledger=docs/internals/schedules.csv
if [ -n "$(git status --porcelain -- '*.go' go.mod go.sum)" ]; then
  echo "commit the changes to the code first: a row names the commit that ran" >&2
  exit 1
fi
binary=$(mktemp)
output=$(mktemp)
trap 'rm -f "$binary" "$output"' EXIT
"${GO:-go}" test -c -o "$binary" ./internal/proof/sim
# Seeds that ran before there was a ledger are below these.
for mode in TestSchedules:10000001 TestFollowSchedules:400000001; do
  test=${mode%:*}
  first=$(awk -F, -v test="$test" -v first="${mode#*:}" '$1 == test && $2 + $3 > first { first = $2 + $3 } END { printf "%d", first }' "$ledger")
  start=$SECONDS
  (cd internal/proof/sim && nice -n 19 "$binary" -test.run "^$test\$" -test.v -test.timeout 24h -sim.first "$first" -sim.seeds "$schedules") >"$output" || {
    cat "$output"
    exit 1
  }
  grep -q "$schedules schedules, seeds from $first," "$output" || { cat "$output"; exit 1; }
  number() { sed -n "s/.* \([0-9]*\) $1.*/\1/p" "$output" | head -n 1; }
  digest=$(sed -n 's/.*digest \([0-9a-f]\{16\}\)$/\1/p' "$output")
  machine="$(nproc) x $(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo 2>/dev/null | head -n 1 | tr -d ',')"
  echo "$test,$first,$schedules,$(number calls),$(number faults),$(number invocations),$digest,$(git rev-parse --short=12 HEAD),$("${GO:-go}" env GOVERSION),$(uname -m),$machine,$(date -u +%F),$((SECONDS - start))" | tee -a "$ledger"
done
before=1990000 # that ran when there was no ledger
count=$(awk -F, -v n=$before 'NR > 1 { n += $3 } END { printf "%.1f of 10 million", n / 1e6 }' "$ledger")
sed -i "s/[0-9.]* of 10 million/$count/" docs/internals/reliability.md
echo "$count schedules have run"
