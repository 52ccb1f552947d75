#!/usr/bin/env bash
# Each call on a file fails in turn, or comes short, in training, resuming, recording, classifying and info, and so does
# each request for memory; the quick share takes some of them. A command then succeeds with the right result, or ends
# with status 1 and one line that says why; models and checkpoints are the old or the new, whole, and nothing else is left.
. "${SOURCE:?the repository}/tests/faults/common.bash" || exit 1

declare -A actions=(
    [open]="EIO EINTR EMFILE" [create]="EIO ENOSPC EROFS" [read]="EIO EINTR short end" [write]="EIO ENOSPC EINTR short"
    [fsync]="EIO EINTR" [close]="EIO EINTR" [rename]="EIO ENOSPC" [unlink]="EIO" [mkdir]="ENOSPC" [stat]="EIO"
    [chmod]="EIO EPERM" [realpath]="EIO ENOMEM" [opendir]="EIO ENOMEM" [readdir]="EIO" [seek]="EIO" [malloc]="ENOMEM")
declare -A reasons=(
    [EIO]="Input/output error" [EINTR]="Interrupted system call" [EMFILE]="Too many open files" [EROFS]="Read-only file"
    [ENOSPC]="No space left on device" [EPERM]="Operation not permitted" [ENOMEM]="memory|cannot start" [short]="" [end]="")
declare -A strides=([malloc]=${long:-211})
stride=${long:-13} # CNN_LONG=1: each

make_start
picked=0 runs=0 failed=0

# The commands, each in a folder of its own. The model is a link to a file that others may not read.
declare -A commands=(
    [train]="train ../small.recipe --data mnist:../idx --out new.safetensors --quiet --threads 1"
    [resume]="train ../small.recipe --data mnist:../idx --out new.safetensors --quiet --threads 1 --resume"
    [record]="eval new.safetensors --data mnist:../idx --record --threads 1"
    [folder]="train ../small.recipe --data folder:../pictures --out new.safetensors --quiet --threads 1 --set dense1.units=3"
    [classify]="classify old.safetensors ../pictures/left ../pictures/top/0.bmp"
    [info]="info old.safetensors"
)

prepare() {
    mkdir -p "$1/stored"
    cp old.safetensors "$1/"
    cp old.safetensors "$1/stored/model"
    chmod 640 "$1/stored/model"
    ln -s stored/model "$1/new.safetensors"
}

# run_in FOLDER COMMAND ASSIGNMENT...: runs the command there: $code, and the files out and err.
run_in() {
    local folder=$1 command=$2
    shift 2
    ran="$* cnn $command"
    # shellcheck disable=SC2086 # words
    (cd "$folder" && preloaded "$@" "$CNN" $command) >out 2>err
    code=$?
}

# An unfinished training, of two epochs of three.
for name in "${!commands[@]}"; do
    prepare "base-$name"
done
run_in base-resume "${commands[train]}" CNN_FAULT=rename:5:EIO
[ -e base-resume/new.checkpoint ] || fail "no checkpoint to resume from: $(cat err)"

# refuse_run WHAT: tells what is wrong with the last run.
wrong() {
    fail "$ran: $*; status $code, stderr: $(head -c 300 err)"
}

# same_history FOLDER FOLDER: but for the time that it took.
same_history() {
    [ ! -e "$1/new.history.csv" ] || diff -q <(cut -d, -f1-6 "$1/new.history.csv") <(cut -d, -f1-6 "$2/new.history.csv") >same
}

# check NAME ACTION KIND: whether the run in case/ has ended well, and left what it must.
check() {
    local name=$1 action=$2 kind=$3 lines model=new also= file
    [ "$kind" != stat ] || also="|No such file|it is a folder" # as the call after it finds
    lines=$(wc -l <err)
    cmp -s case/new.safetensors "expected-$name/new.safetensors" || model=old
    [ $model = new ] || cmp -s case/new.safetensors "base-$name/new.safetensors" || model=broken
    case $code in
    0)
        [ $model = new ] || wrong "success, but the model is $model"
        cmp -s out "$name.out" || wrong "success, but the output is $(head -c 300 out)"
        same_history "expected-$name" case || wrong "success, but the history is $(head -c 300 case/new.history.csv)"
        ;;
    1)
        [ "$lines" -eq 1 ] && grep -q '^cnn: ' err || wrong "$lines lines of complaint"
        [ $model != broken ] || wrong "the model is broken"
        ;;
    *) wrong "a crash" ;;
    esac
    [ "$code" -eq 0 ] && cmp -s err "$name.err" || grep -Eq "${reasons[$action]}$also" err || wrong "it does not say why"
    [ "$(readlink case/new.safetensors)" = stored/model ] || wrong "the link is gone"
    [ "$(stat -c %a case/stored/model)" = 640 ] || [ "$kind" = chmod ] || wrong "the model's permissions are $(stat -c %a case/stored/model)"
    for file in case/* case/stored/*; do
        case $file in
        case/new.safetensors | case/old.safetensors | case/stored | case/stored/model | case/new.history.csv) ;;
        case/new.checkpoint)
            [ "$code" -eq 1 ] || [ "$kind" = unlink ] || wrong "a checkpoint is left"
            ;;
        *) [ "$kind" = unlink ] || wrong "left behind: $file" ;;
        esac
    done
    if [ -e case/new.checkpoint ]; then
        run_in case "${commands[$name]/ --resume/} --resume"
        [ "$code" -eq 0 ] && cmp -s case/new.safetensors "expected-$name/new.safetensors" || wrong "it cannot be resumed"
    elif [ -e "base-$name/new.checkpoint" ] && [ $model != new ]; then
        wrong "the checkpoint is lost"
    fi
}

# Undisturbed, each command gives what it must give after each fault that it survives, and the calls that it makes.
for name in "${!commands[@]}"; do
    cp -a "base-$name" "expected-$name"
    run_in "expected-$name" "${commands[$name]}" CNN_FAULT_LOG="$work/$name.log" CNN_FAULT=malloc:0:count
    [ "$code" -eq 0 ] || fail "$ran fails: $(cat err)"
    cp out "$name.out"
    cp err "$name.err"
done
for name in train resume folder record classify info; do
    while read -r count kind; do
        for ((k = 1; k <= count; k++)); do
            for action in ${actions[$kind]:?}; do
                picked=$((picked + 1))
                [ $((picked % ${strides[$kind]:-$stride})) -eq 0 ] || continue
                rm -rf case
                cp -a "base-$name" case
                run_in case "${commands[$name]}" CNN_FAULT="$kind:$k:$action"
                # AddressSanitizer's own want of memory, where it asks how large a thread's stack is, ends the process.
                ! grep -q '^AddressSanitizer: CHECK failed: sanitizer_linux_libcdep.cpp' err || continue
                runs=$((runs + 1)) failed=$((failed + code))
                check "$name" "$action" "$kind"
            done
        done
    done < <(cut -f1 "$name.log" | sort | uniq -c)
done
echo "$runs of $picked faults: $failed were told, $((runs - failed)) did no harm"
finish
