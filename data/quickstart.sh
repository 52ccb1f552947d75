#!/usr/bin/env bash
# From a fresh clone to classified pictures: installs the packages, builds, gets Fashion-MNIST, trains for about a minute,
# evaluates, and classifies. Debian 12, as root or with sudo. What is already there is used, so a second run is short.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
cnn=build/cnn
data=build/data/fashion-mnist
model=build/fashion-quick.safetensors

step() {
    printf '\n== %s\n' "$*"
}

step "1/6 Packages"
data/packages.sh build-essential cmake pkg-config libopenblas-dev libstb-dev zlib1g-dev libjansson-dev \
    libpng-dev dataset-fashion-mnist

step "2/6 Build"
SECONDS=0
cmake -S . -B build -DCMAKE_BUILD_TYPE=Release -DCNN_TESTS=OFF >/dev/null
cmake --build build -j "$(nproc)"

step "3/6 Data: Fashion-MNIST, 60,000 pictures to learn from and 10,000 to be tested on"
data/fetch.sh fashion-mnist "$data"

step "4/6 Train models/fashion-quick.recipe"
$cnn train models/fashion-quick.recipe --data "fashion-mnist:$data" --out "$model"

step "5/6 Evaluate on the test pictures"
$cnn eval "$model" --data "fashion-mnist:$data"

step "6/6 Classify data/samples/fashion-*.png"
$cnn classify "$model" data/samples/fashion-*.png

cat <<END

Done in $SECONDS s, packages not counted. The model is $model. Go on with:
  $cnn classify $model YOUR-PICTURE
  $cnn info $model
  $cnn --help
END
