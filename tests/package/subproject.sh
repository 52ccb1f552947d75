#!/usr/bin/env bash
# Builds a project that takes cnn in with add_subdirectory, with make, and with clang where that is installed: the library
# alone must come along, neither its tests nor its installation, and no warning.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.25)
project(host LANGUAGES C)
add_subdirectory("$SOURCE" cnn EXCLUDE_FROM_ALL)
add_executable(host host.c)
target_link_libraries(host PRIVATE cnn::static)
add_executable(host_shared host.c)
target_link_libraries(host_shared PRIVATE cnn::cnn)
install(TARGETS host)
END
cat >"$work/host.c" <<'END'
#include <cnn.h>
#include <stdio.h>
int main(void)
{
    puts(cnn_version());
    return 0;
}
END
compiler=$(command -v clang || command -v cc)
cmake -G "Unix Makefiles" -S "$work" -B "$work/build" -DCMAKE_C_COMPILER="$compiler" -DCMAKE_BUILD_TYPE=Release \
    -DCNN_WERROR=ON >/dev/null
cmake --build "$work/build" -j "$(nproc)" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
version=$(sed -nE 's/^project\(cnn VERSION ([0-9.]+).*/\1/p' "$SOURCE/CMakeLists.txt")
for program in host host_shared; do
    printed=$("$work/build/$program")
    [ "$printed" = "$version" ] || { echo "$program says version $printed, CMakeLists.txt $version"; exit 1; }
done
cmake --install "$work/build" --prefix "$work/prefix" >/dev/null
installed=$(cd "$work/prefix" && find . -type f)
[ "$installed" = ./bin/host ] || { echo "a subproject must not install itself: $installed"; exit 1; }
echo "Built as a subproject by $(basename "$compiler")."
