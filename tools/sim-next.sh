#!/usr/bin/env bash
# Runs the next schedules of the simulation that have not run yet, SCHEDULES of each mode, and writes them down:
# tools/sim-next.sh [SCHEDULES]
#
# A row of docs/internals/schedules.csv is a range of seeds in which no promise was broken, on the state of the code that its
# commit names: with that commit it can be run again, and has to give the same digest. A range with a broken promise is not
# written down; its seed is printed.
#
# Two things make it a sixth faster, and change no digest: each core has a process of its own with one thread for Go code,
# so that no schedule moves between cores, and encoding/json is the one that Go is about to have.
set -euo pipefail
cd "$(dirname "$0")/.."
schedules=${1:-20000}
ledger=docs/internals/schedules.csv
if [ -n "$(git status --porcelain -- '*.go' go.mod go.sum)" ]; then
  echo "commit the changes to the code first: a row names the commit that ran" >&2
  exit 1
fi
work=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; rm -rf "$work"' EXIT
GOEXPERIMENT=jsonv2 "${GO:-go}" test -c -o "$work/sim" ./internal/proof/sim
cores=$(nproc)
[ "$schedules" -ge "$cores" ] || cores=1
# Seeds that ran before there was a ledger are below these.
for mode in TestSchedules:10000001 TestFollowSchedules:400000001; do
  test=${mode%:*}
  first=$(awk -F, -v test="$test" -v first="${mode#*:}" '$1 == test && $2 + $3 > first { first = $2 + $3 } END { printf "%d", first }' "$ledger")
  start=$SECONDS
  pids=() requests=0 faults=0 invocations=0 digest=0 failed=
  for ((i = 0; i < cores; i++)); do
    from=$((first + schedules * i / cores)) count=$((schedules * (i + 1) / cores - schedules * i / cores))
    (cd internal/proof/sim && GOMAXPROCS=1 exec nice -n 19 "$work/sim" -test.run "^$test\$" -test.v -test.timeout 24h -sim.first "$from" -sim.seeds "$count") >"$work/$i" &
    pids+=($!)
  done
  for ((i = 0; i < cores; i++)); do
    from=$((first + schedules * i / cores)) count=$((schedules * (i + 1) / cores - schedules * i / cores))
    wait "${pids[i]}" && grep -q "$count schedules, seeds from $from," "$work/$i" || { cat "$work/$i"; failed=1; continue; }
    number() { sed -n "s/.* \([0-9]*\) $1.*/\1/p" "$work/$i" | head -n 1; }
    requests=$((requests + $(number calls))) faults=$((faults + $(number faults))) invocations=$((invocations + $(number invocations)))
    digest=$((digest + 16#$(sed -n 's/.*digest \([0-9a-f]\{16\}\)$/\1/p' "$work/$i")))
  done
  [ -z "$failed" ] || exit 1
  machine="$(nproc) x $(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo 2>/dev/null | head -n 1 | tr -d ',')"
  printf '%s,%d,%d,%d,%d,%d,%016x,%s,%s,%s,%s,%s,%d\n' "$test" "$first" "$schedules" "$requests" "$faults" "$invocations" "$digest" \
    "$(git rev-parse --short=12 HEAD)" "$("${GO:-go}" env GOVERSION)" "$(uname -m)" "$machine" "$(date -u +%F)" $((SECONDS - start)) | tee -a "$ledger"
done
before=1990000 # that ran when there was no ledger
count=$(awk -F, -v n=$before 'NR > 1 { n += $3 } END { printf "%.2f million have run", n / 1e6 }' "$ledger")
sed -i "s/[0-9.]* million have run/$count/" docs/internals/reliability.md
echo "$count"
