#!/bin/sh
# Makes .venv from a lock and installs the project in place: ./setup.sh [requirements.lock]
# Does nothing, and needs no network, while the lock is the one installed. Exit 5: something is missing here.
set -eu
cd "$(dirname "$0")"
lock=${1:-requirements.lock}
# Room for the packages (about 1.2 GB), the jars and one run.
needed_kb=2500000

fail() {
  printf 'error: %s\n' "$1" >&2
  exit 5
}

wanted=$(cat pyproject.toml "$lock" | cksum)
# The development lock holds everything that the plain one does, in the same versions.
for stamp in ".venv/.installed-$lock" .venv/.installed-requirements-dev.lock; do
  [ -f "$stamp" ] || continue
  case $stamp in *-dev.lock) current=$(cat pyproject.toml requirements-dev.lock | cksum) ;; *) current=$wanted ;; esac
  if [ "$(cat "$stamp")" = "$current" ] && [ -x .venv/bin/python ]; then exit 0; fi
done

free_kb=$(df -Pk . | awk 'NR == 2 { print $4 }')
[ "$free_kb" -ge "$needed_kb" ] ||
  fail "$((free_kb / 1024)) MiB free here, and the set-up needs $((needed_kb / 1024)) MiB; free some room"

python=
for candidate in ${PYTHON:-} python3 python3.11 python3.12 python3.13 python3.14 python; do
  if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
    python=$candidate
    break
  fi
done
[ -n "$python" ] || fail 'no Python 3.11 or newer that can make a virtual environment was found; install one (Debian and Ubuntu: apt install python3 python3-venv; macOS: brew install python@3.13), or name it: make PYTHON=/path/to/python3.11'

[ -x .venv/bin/python ] || "$python" -m venv .venv
rm -f .venv/.installed-*
total=$(grep -c '==' "$lock")
.venv/bin/python -m pip install --require-hashes -r "$lock" >.venv/pip.log 2>&1 &
pip=$!
trap 'kill $pip 2>/dev/null; exit 130' INT TERM
while kill -0 $pip 2>/dev/null; do
  if [ -t 2 ]; then
    printf '\rinstalling into .venv: %s of about %s packages ' "$(grep -c '^Collecting' .venv/pip.log || true)" "$total" >&2
  fi
  sleep 1
done
[ ! -t 2 ] || printf '\r\033[K' >&2
wait $pip || {
  tail -n 5 .venv/pip.log >&2
  fail 'pip could not install the packages (its last lines are above, all of them in .venv/pip.log); check the network and your pip index, then run this again'
}
# No isolated build: the tool that builds is in the lock too.
.venv/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable . >>.venv/pip.log 2>&1 ||
  fail 'the project itself could not be installed; see the end of .venv/pip.log'
printf '%s\n' "$wanted" >".venv/.installed-$lock"
