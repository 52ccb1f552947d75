#!/usr/bin/env bash
# Long runs, in which memory and descriptors must stay as they are: `tests/long.sh [ROUNDS [SECONDS]]`, from any folder:
# 100,000 times load, classify and free, and an hour of training. The quick share of them is in tests/run.sh.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
tree=$root/build/release

"$root/data/packages.sh" build-essential cmake ninja-build pkg-config libopenblas-dev libstb-dev zlib1g-dev \
    libjansson-dev libpng-dev libcmocka-dev
cmake -G Ninja -S "$root" -B "$tree" -DCMAKE_BUILD_TYPE=Release -DCNN_TESTS=ON -DCNN_WERROR=ON >/dev/null
cmake --build "$tree" -j "$(nproc)" --target endure -- --quiet
"$tree/tests/endure" rounds "$root/tests/golden/tiny.safetensors" "$root/data/samples/photo-3.png" "${1:-100000}"
"$tree/tests/endure" train "$root/tests/long/endure.recipe" "${2:-3600}"
