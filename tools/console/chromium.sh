#!/usr/bin/env bash
# Prints where Chromium is, and installs Debian's where there is none.
set -euo pipefail
for name in chromium chromium-browser google-chrome; do
  if command -v "$name"; then exit; fi
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core; } >&2
  command -v chromium
  exit
fi
echo "there is no Chromium on the PATH; install it, on Debian with: apt-get install chromium" >&2
exit 1
