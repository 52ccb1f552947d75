#!/usr/bin/env bash
# The unit tests that start threads under ThreadSanitizer: `tests/threads.sh [TEST ...]`, from any folder; TEST as in
# tests/unit, without .c. The quick share of them is in tests/run.sh. train_allocations is left out unless named: it
# trains and classifies like the others, to count allocations, and takes as long as all of them.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
tree=$root/build/thread

"$root/data/packages.sh" build-essential cmake ninja-build pkg-config libopenblas-dev libstb-dev zlib1g-dev \
    libjansson-dev libpng-dev libcmocka-dev
cmake -G Ninja -S "$root" -B "$tree" -DCNN_TESTS=ON -DCNN_WERROR=ON -DCMAKE_BUILD_TYPE=Debug -DCNN_SANITIZE=thread \
    >/dev/null
names=("$@")
if [ $# -eq 0 ]; then
    starts='pthread_create|threads|cnn_team_new|cnn_dataset_open|cnn_loader_new'
    mapfile -t names < <(grep -lE "$starts" "$root"/tests/unit/*.c | xargs basename -s .c -a | grep -vx train_allocations)
fi
cmake --build "$tree" -j "$(nproc)" --target "${names[@]/#/unit_}" -- --quiet

launcher=()
if setarch -R true 2>/dev/null; then # as in CMakeLists.txt
    launcher=(setarch -R)
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
failed=0
for name in "${names[@]}"; do
    start=$SECONDS
    if "${launcher[@]}" "$tree/tests/unit_$name" >"$log" 2>&1; then
        echo "passed $name ($((SECONDS - start)) s)"
    else
        echo "FAILED $name ($((SECONDS - start)) s)"
        cat "$log"
        failed=$((failed + 1))
    fi
done
echo "${#names[@]} tests under ThreadSanitizer, $failed failed, $SECONDS s"
[ "$failed" -eq 0 ]
