#!/usr/bin/env bash
# Does what a new user does with a release for this machine, in empty folders: installs it, describes a set, deploys it to the
# sandbox, uploads, looks, changes the set, and removes everything. Says how long it took from unpacking until the first
# replica was there.
#
#   tools/release-proof.sh dist
set -euo pipefail

dist=$(cd "$1" && pwd)
work=$(mktemp -d)
sandbox=
stop() {
	if [ -n "$sandbox" ]; then
		kill -INT "$sandbox" 2>/dev/null || true
		wait "$sandbox" 2>/dev/null || true
		sandbox=
	fi
}
trap 'stop; rm -rf "$work"' EXIT
fail() {
	echo "release-proof: $*" >&2
	exit 1
}
quietly() { # COMMAND: what it prints is shown if it fails
	"$@" >"$work/said.txt" 2>&1 || { cat "$work/said.txt" >&2; fail "$*"; }
}

# A user uploads with an SDK. curl is none: before 7.83 it does not sign the header with the digest.
put=$work/put
(cd "$(dirname "$0")/.." && go build -o "$put" ./internal/proof/put)

started=$(date +%s)
say() { printf '%4s s  %s\n' "$(($(date +%s) - started))" "$*"; }

# Nothing of this checkout, and nobody's credentials or configuration.
export HOME=$work/home TMPDIR=$work/tmp npm_config_cache=${npm_config_cache:-$(npm config get cache)}
mkdir "$HOME" "$TMPDIR" "$work/deb" "$work/usr" "$work/folder"
unset $(compgen -v AWS_) CDK_DEFAULT_ACCOUNT CDK_DEFAULT_REGION

processor=$(dpkg --print-architecture)
tar -xzf "$dist"/s3fanout_*_linux_"$processor".tar.gz -C "$work/usr" --strip-components=1
dpkg-deb -x "$dist"/s3fanout_*_linux_"$processor".deb "$work/deb"
[ "$(ls "$work/usr" | xargs)" = "bin lib share" ] || fail "the archive would strew $(ls "$work/usr" | xargs) over /usr/local"
for part in bin lib/s3fanout share/s3fanout share/man share/bash-completion; do
	diff -r "$work/usr/$part" "$work/deb/usr/$part" || fail "archive and package differ in $part"
done
cmp "$work"/usr/share/zsh/site-functions/_s3fanout "$work"/deb/usr/share/zsh/vendor-completions/_s3fanout ||
	fail "Debian's zsh would not complete"
(cd "$dist" && sha256sum --quiet --check --ignore-missing checksums.txt)
export PATH=$work/deb/usr/bin:$PATH
cd "$work/folder"
for page in README.md docs/quick-start.md docs/what-wins.md THIRD-PARTY-NOTICES; do
	[ -s "$work/deb/usr/share/doc/s3fanout/$page" ] || fail "$page is not in share/doc/s3fanout"
done
say "installed: $(s3fanout version)"

s3fanout init --name media --regions us-east-1,eu-west-1 >init.txt 2>&1 || { cat init.txt; fail "init"; }
grep -q 'Estimated cost: \$' init.txt || fail "init showed no price"
quietly bash -c "$(grep -F 'npm install' init.txt)" # as init says
quietly npx cdk synth --quiet
cmp cdk.out/asset.*.zip "$work/deb/usr/share/s3fanout/function-arm64.zip" || fail "another program than the release's would be deployed"
say "described and synthesized, without a checkout"

s3fanout sandbox --templates cdk.out --listen 127.0.0.1:0 --state state.json >sandbox.txt 2>&1 &
sandbox=$!
until [ -s state.json ]; do
	kill -0 "$sandbox" 2>/dev/null || { cat sandbox.txt; fail "the sandbox ended"; }
	sleep 0.1
done
field() { node -p "JSON.parse(require('fs').readFileSync('state.json'))$1"; }
export AWS_ENDPOINT_URL=$(field .endpoint) AWS_ACCESS_KEY_ID=$(field .accessKeyId) AWS_SECRET_ACCESS_KEY=$(field .secretAccessKey)

upload() { # region key
	quietly "$put" "$1" "$(field ".regions['$1'].bucket")" "$2" "the body of $2"
}
everywhere() { # key
	local end=$(($(date +%s) + 60))
	until s3fanout explain "$1" >explain.txt 2>&1; do
		[ "$(date +%s)" -lt "$end" ] || { cat explain.txt; fail "$1 is not everywhere"; }
		sleep 0.1
	done
}
upload us-east-1 films/one
everywhere films/one
first=$(($(date +%s) - started))
say "the first replica is there"

quietly s3fanout status
quietly s3fanout verify --grace 0s
quietly s3fanout doctor
say "looked at: status, verify and doctor find nothing"

quietly s3fanout init --force --name media --regions us-east-1,eu-west-1,ap-northeast-1 --mode follow
quietly npx cdk synth --quiet
quietly s3fanout sandbox deploy --templates cdk.out
upload ap-northeast-1 films/two
everywhere films/two
quietly s3fanout backfill --yes
quietly s3fanout verify --grace 0s
say "changed: a third Region, and follow mode"

stop
tar -tzf "$dist"/s3fanout_*_linux_"$processor".tar.gz | cut -d / -f 2- | (cd "$work/usr" && xargs rm) # as docs/quick-start.md says
[ -z "$(find "$work/usr" -type f)" ] || fail "uninstalling left $(find "$work/usr" -type f)"
leftovers=$(find "$TMPDIR" -mindepth 1 | head)
[ -z "$leftovers" ] || fail "left behind: $leftovers"
say "removed: nothing is left"
[ "$first" -le 120 ] || fail "the first replica took $first s, more than two minutes"
echo "From unpacking the archive, without the download, to the first replica: $first s."
