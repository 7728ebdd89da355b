#!/bin/bash
# Builds the peers into bench/bin, and Turnpike itself for release. Installs what they need, when something is missing.
# usage: build.sh [peers|money|machines]
# peers: those of a Check, not Turnpike; money: the bare loops, Turnpike and its claims; machines: Turnpike and its PID 1
set -euo pipefail
cd "$(dirname "$0")"

packages=(gcc g++ pkg-config libnghttp2-dev libprotobuf-c-dev libssl-dev libprotobuf-dev protobuf-compiler
  libgrpc++-dev protobuf-compiler-grpc nghttp2-client util-linux libsecp256k1-dev libsqlite3-dev libpq-dev libssh-4)
missing=()
for name in "${packages[@]}"; do
  dpkg-query -W -f '${db:Status-Status}\n' "$name" 2>/dev/null | grep -qx installed || missing+=("$name")
done
# pkgconf answers for pkg-config as well.
command -v pkg-config >/dev/null && mapfile -t missing < <(printf '%s\n' "${missing[@]}" | grep -vxE 'pkg-config|')
if [ ${#missing[@]} -gt 0 ]; then
  root=()
  [ "$(id -u)" = 0 ] || root=(sudo)
  echo "bench: installing ${missing[*]}"
  "${root[@]}" apt-get update -qq
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

proto=../Sources/Proto
common=(peers/common/judge.c peers/common/policy.c)
warnings=(-Wall -Wextra -Werror)
mkdir -p bin gen/proto gen/o

fresh() { # fresh PRODUCT SOURCE...: true when PRODUCT is newer than every source
  local product=$1 source
  shift
  [ -e "$product" ] || return 1
  for source in "$@" build.sh; do [ "$product" -nt "$source" ] || return 1; done
}

bare() { # bare NAME LIBRARY...
  local name=$1
  shift
  fresh "bin/$name" "peers/money/$name.c" peers/money/rows.h && return
  echo "bench: building $name"
  gcc -std=gnu11 -O2 "${warnings[@]}" -DOPENSSL_SUPPRESS_DEPRECATED "peers/money/$name.c" -o "bin/$name" "$@"
}

if [ "${1:-}" = money ]; then
  bare carol -lsecp256k1 -lcrypto
  bare bare-sqlite -lsqlite3
  bare bare-postgres -lpq
  echo "bench: building turnpike and claim-bench"
  swift build --package-path .. -c release --product turnpike
  swift build --package-path .. -c release --product claim-bench
  exit
fi

if [ "${1:-}" = machines ]; then
  echo "bench: building turnpike and workload-init"
  swift build --package-path .. -c release --product turnpike
  swift build --package-path .. -c release --product workload-init
  exit
fi

c_sources=(peers/c-nghttp2/*.c "${common[@]}" "$proto"/C/*.c)
if ! fresh bin/c-nghttp2 "${c_sources[@]}" peers/*/*.h; then
  echo "bench: building c-nghttp2"
  # SHA256_CTX is deprecated in OpenSSL 3, and still the fastest: a key's first block is hashed once, and copied.
  gcc -std=gnu11 -O2 "${warnings[@]}" -DOPENSSL_SUPPRESS_DEPRECATED -Ipeers/common -I"$proto/C/include" -I"$proto/C" \
    "${c_sources[@]}" -o bin/c-nghttp2 -lnghttp2 -lprotobuf-c -lcrypto
fi

cpp_sources=(peers/grpc-cpp/main.cc peers/grpc-cpp/authorization.proto "${common[@]}" "$proto"/*.proto)
if ! fresh bin/grpc-cpp "${cpp_sources[@]}" peers/common/*.h; then
  echo "bench: building grpc-cpp"
  # libprotobuf has Timestamp and BoolValue already, and allows no second ones.
  for file in "$proto"/*.proto peers/grpc-cpp/authorization.proto; do
    [ "$(basename "$file")" != well_known_types.proto ] || continue
    sed 's|^import "well_known_types.proto";|import "google/protobuf/timestamp.proto"; import "google/protobuf/wrappers.proto";|' \
      "$file" > "gen/proto/$(basename "$file")"
  done
  protoc -I gen/proto --cpp_out=gen --grpc_out=gen --plugin=protoc-gen-grpc="$(command -v grpc_cpp_plugin)" gen/proto/*.proto \
    2> >(grep -v 'is unused' >&2)
  for file in "${common[@]}"; do
    gcc -std=gnu11 -O2 "${warnings[@]}" -DOPENSSL_SUPPRESS_DEPRECATED -c "$file" -o "gen/o/$(basename "$file" .c).o"
  done
  g++ -std=c++17 -O2 -Wall -DOPENSSL_SUPPRESS_DEPRECATED -Igen -Ipeers/common peers/grpc-cpp/main.cc gen/*.pb.cc gen/o/*.o \
    -o bin/grpc-cpp $(pkg-config --cflags --libs grpc++ protobuf) -lcrypto -lpthread
fi

if [ "${1:-}" != peers ]; then
  echo "bench: building turnpike"
  swift build --package-path .. -c release --product turnpike
fi
