# What the fault tests share: sourced by each. INTERPOSE is the library that makes calls fail (interpose.c). The quick
# share is what ctest runs; all of it with CNN_LONG=1 in the environment.
[ ! -w /dev/shm ] || export TMPDIR=/dev/shm # these tests sync often, and where they do so does not matter
. "${SOURCE:?the repository}/tests/cli/common.bash" || exit 1
: "${INTERPOSE:?the library to preload}"
export CNN_FAULT_FOLDER=$work ASAN_OPTIONS=verify_asan_link_order=0
long=${CNN_LONG:-}

# preloaded ASSIGNMENT... COMMAND...: runs a command with the library and these environment variables.
preloaded() {
    env LD_PRELOAD="$INTERPOSE" "$@"
}

# A recipe, IDX data for it in idx/ (the test images plain, the others packed), pictures/ of three classes, and the model
# that it trains from another seed, old.safetensors.
make_start() {
    local pixels=() i
    for ((i = 0; i < 24 * 36; i++)); do
        pixels+=($(((i * 7919 + i / 36 * (i % 6) * 40) % 251)))
    done
    mkdir idx
    for part in train t10k; do
        idx idx/$part-images-idx3-ubyte 24 6 6 -- "${pixels[@]}"
        idx idx/$part-labels-idx1-ubyte 24 -- 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3
    done
    gzip idx/train-*
    pictures pictures 2 1
    cat >small.recipe <<'END'
input 6x6x1
conv filters=2 kernel=3
relu
dense units=10
train epochs=3 batch=8 lr=0.05 val=0.25
END
    run train small.recipe --data mnist:idx --seed 9 --quiet --out old.safetensors --threads 1
    expect_code 0
    rm -f out err old.history.csv
}
