#!/bin/bash
# usage: setup.sh
# Installs what `make build`, `make test` and `make demo` need: Debian packages, and Python environments in .venv/
# (mint: Nutshell with its own pins; tools: the proxies and the test runner; x402: the SDK and a local EVM; vyper: the
# compiler of the test token, whose code goes to .venv/token.hex).
# Each part leaves a stamp named by the hash of its list, so a second run does nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
lists=scripts/requirements
mkdir -p .venv

fresh() { # fresh PART LIST: true when PART was set up from exactly this list
  [ -e ".venv/.$1-$(sha256sum "$2" | cut -c1-16)" ]
}
done_with() {
  rm -f ".venv/.$1-"*
  touch ".venv/.$1-$(sha256sum "$2" | cut -c1-16)"
}

apt() {
  local wanted missing=() name root=()
  mapfile -t wanted < <(grep -v '^#' "$1")
  for name in "${wanted[@]}"; do
    dpkg-query -W -f '${db:Status-Status}\n' "$name" 2>/dev/null | grep -qx installed || missing+=("$name")
  done
  # Another Python than Debian's serves as well, if it can make environments.
  if python3 -c 'import ensurepip, venv' 2>/dev/null; then
    mapfile -t missing < <(printf '%s\n' "${missing[@]}" | grep -vxE 'python3(-venv)?|')
  fi
  [ ${#missing[@]} -gt 0 ] || return 0
  command -v apt-get >/dev/null || { echo "setup: please install: ${missing[*]}" >&2; exit 1; }
  [ "$(id -u)" = 0 ] || root=(sudo)
  echo "setup: installing ${missing[*]}"
  # PostgreSQL's programs are wanted, not a server of the machine: the tests make their own in their own folder.
  local quiet=/etc/postgresql-common/createcluster.d/turnpike-setup.conf
  "${root[@]}" mkdir -p "${quiet%/*}"
  echo 'create_main_cluster = false' | "${root[@]}" tee "$quiet" >/dev/null
  # Nor a listening sshd: each machine starts its own.
  local policy=/usr/sbin/policy-rc.d ours=
  [ -e "$policy" ] || { ours=$policy; printf '#!/bin/sh\nexit 101\n' | "${root[@]}" tee "$policy" >/dev/null; "${root[@]}" chmod +x "$policy"; }
  "${root[@]}" apt-get update -qq
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
  "${root[@]}" rm -f "$quiet" ${ours:+"$ours"}
}

environment() { # environment NAME [PIP OPTION...]
  local name=$1 list=$lists/$1.txt
  shift
  if fresh "$name" "$list" && [ -x ".venv/$name/bin/python" ]; then return 0; fi
  echo "setup: making the Python environment .venv/$name"
  rm -rf ".venv/$name"
  python3 -m venv ".venv/$name"
  ".venv/$name/bin/pip" install --quiet --disable-pip-version-check "$@" -r "$list"
  done_with "$name" "$list"
}

token() { # token SOURCE: the code of the test dollar, made anew when its source or the compiler changed
  if fresh token "$1" && [ -s .venv/token.hex ] && [ .venv/token.hex -nt .venv/vyper/bin/vyper ]; then return 0; fi
  echo "setup: compiling the test token"
  .venv/vyper/bin/vyper -f bytecode_runtime "$1" >.venv/token.hex.new
  mv .venv/token.hex.new .venv/token.hex
  done_with token "$1"
}

# Debian packages belong to the machine, the stamp to this folder: ask the machine, it takes a moment.
apt $lists/apt.txt
environment tools
environment mint --no-deps
environment x402 --no-deps
environment vyper --no-deps
token Tests/Integration/counterparts/token.vy
