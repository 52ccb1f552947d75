#!/usr/bin/env bash
# Fails on an #include that the design does not allow: a folder reaches itself and those named here, written as
# "FOLDER/header.h"; the command reaches nothing but include/, and its own headers by their bare names.
set -euo pipefail

declare -A reach=(
    [base]="base"
    [math]="math base"
    [layers]="layers math base"
    [net]="net layers math base"
    [image]="image base"
    [data]="data image base"
    [train]="train net layers math data image base"
    [report]="report image base"
    [cli]=" "
)
# Headers of libraries, and the folders that may know them: each library has few doors.
declare -A doors=([cblas.h]="math" [stb/stb_image.h]="image" [stb/stb_image_resize.h]="image" [png.h]="image")

has_word() {
    case " $1 " in *" $2 "*) return 0 ;; *) return 1 ;; esac
}

# Prints each forbidden line of ROOT/src; fails when there is one.
check() {
    local bad=0 file folder target
    while IFS=$'\t' read -r file target; do
        folder=${file%%/*}
        if [ -z "${reach[$folder]:-}" ]; then
            echo "src/$file: folder $folder is not in the design"
        elif [[ $target == \<* ]]; then
            target=${target//[<>]/}
            [ -n "${doors[$target]:-}" ] || continue
            has_word "${doors[$target]}" "$folder" && continue
            echo "src/$file: only src/${doors[$target]} may include <$target>"
        else
            target=${target//\"/}
            [ "$target" = cnn.h ] && continue
            [[ $folder == cli && $target != */* && -e $1/src/cli/$target ]] && continue
            [[ $target == */* ]] && has_word "${reach[$folder]}" "${target%%/*}" && continue
            echo "src/$file: $folder may not include \"$target\""
        fi
        bad=1
    done < <(cd "$1/src" && grep -rEo --include='*.[ch]' '^[[:space:]]*#[[:space:]]*include[[:space:]]*[<"][^>"]+[>"]' . |
        sed -E 's|^\./([^:]+):[^<"]*|\1\t|')
    return $bad
}

# A check that cannot fail proves nothing: each of these must be found.
planted=$(mktemp -d)
trap 'rm -rf "$planted"' EXIT
while read -r folder include; do
    rm -rf "$planted/src"
    mkdir -p "$planted/src/$folder"
    echo "#include $include" >"$planted/src/$folder/planted.c"
    if check "$planted" >/dev/null; then
        echo "self-check: $include in src/$folder was not found"
        exit 1
    fi
done <<'END'
cli "base/text.h"
cli "../base/text.h"
base "math/gemm.h"
net "train/loss.h"
data "net/network.h"
layers "image/image.h"
image "data/dataset.h"
math "../base/text.h"
net "network.h"
layers <cblas.h>
extra <stdio.h>
END

check "$SOURCE"
echo "All #include lines follow the design."
