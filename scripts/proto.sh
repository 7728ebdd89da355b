#!/bin/sh
# Generates the C of Sources/Proto/*.proto:   scripts/proto.sh DIR
#
# DIR is Sources/Proto/C to renew what is checked in, or an empty directory to compare with it:
#   scripts/proto.sh build/proto && diff -r build/proto Sources/Proto/C
# Needs protoc and protoc-c (Debian: protobuf-compiler, protobuf-c-compiler); 1.4.1 made the checked-in files.
set -eu
[ $# -eq 1 ] || { echo "usage: $0 DIR" >&2; exit 2; }
protos=$(cd "$(dirname "$0")/../Sources/Proto" && pwd)
mkdir -p "$1/include"
out=$(cd "$1" && pwd)
rm -f "$out"/*.pb-c.c "$out"/include/*.pb-c.h
protoc --proto_path="$protos" --c_out="$out" "$protos"/*.proto
mv "$out"/*.pb-c.h "$out/include/"
