#!/usr/bin/env bash
# Installs what the build, the tests and the demo need, and only what is missing: `make setup`, `make setup-demo` and
# `make setup-feast`.
#
#   .ci/setup.sh          system packages, the environment `.venv`, the link `.deps/arrow`
#   .ci/setup.sh demo     the CDNOW purchase log, to .deps/cdnow/CDNOW_master.txt
#   .ci/setup.sh feast    an environment for each of Feast's versions that tests and benchmarks use, .venv-feast-VERSION
#
# A second run only looks, well under a second. Every failure says what failed and what to do next.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

requirements=python/requirements.txt
feast_versions=(0.67.0 0.54.0)
arrow_library=libarrow.so.2600
cdnow_wheel=lifetimes==0.11.3
export PIP_DISABLE_PIP_VERSION_CHECK=1

say() { printf 'setup: %s\n' "$*"; }

# fail WHAT NEXT...: what went wrong, then what to do about it.
fail() {
    printf 'setup: FAILED: %s\n' "$1" >&2
    shift
    printf '       next: %s\n' "$@" >&2
    exit 1
}

check_swift() {
    command -v swift >/dev/null || fail "there is no Swift toolchain on the PATH" \
        "install Swift 6.2 or newer for this system from swift.org and put its usr/bin on the PATH" \
        "then run 'make setup' again"
}

# The Debian packages that are missing, one a line. Build tools count as there when their command is, however installed.
missing_packages() {
    local package
    for package in librdkafka-dev librocksdb-dev libsimdjson-dev libjemalloc-dev zlib1g-dev; do
        [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || echo "$package"
    done
    command -v pkg-config >/dev/null || echo pkg-config
    command -v git >/dev/null || echo git
    command -v make >/dev/null || echo make
    # Swift's own clang compiles the C++ targets; the C++ standard library's headers come with g++.
    compgen -G '/usr/include/c++/*' >/dev/null || echo g++
    if ! command -v python3 >/dev/null; then
        printf 'python3\npython3-venv\n'
    elif [[ ! -x .venv/bin/python ]]; then
        python3 -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv
    fi
}

install_packages() {
    local -a missing as_root=()
    if ! command -v dpkg-query >/dev/null; then
        # Another system: its packages have other names, so the build is left to say what it does not find.
        say "not a Debian system: librdkafka, RocksDB, simdjson, jemalloc and zlib with their headers must be there already"
        return
    fi
    mapfile -t missing < <(missing_packages)
    ((${#missing[@]})) || return 0
    if ((EUID != 0)); then
        command -v sudo >/dev/null || fail "these packages are missing, and there is no sudo: ${missing[*]}" \
            "as root: apt-get update && apt-get install ${missing[*]}"
        as_root=(sudo DEBIAN_FRONTEND=noninteractive)
    fi
    export DEBIAN_FRONTEND=noninteractive
    say "installing ${missing[*]}"
    "${as_root[@]}" apt-get update -qq || fail "apt-get update" "check the network and /etc/apt/sources.list"
    "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null ||
        fail "apt-get install ${missing[*]}" "run it by hand to see why; the names are those of Debian 12"
}

# install_environment FOLDER REQUIREMENTS: made anew when it is broken, and brought to the pinned versions when their list
# changed.
install_environment() {
    local folder=$1 requirements=$2
    local stamp=$folder/.requirements.sha256 wanted
    wanted=$(sha256sum <"$requirements")
    [[ -x $folder/bin/python && -f $stamp && $(<"$stamp") == "$wanted" ]] && return
    if ! "$folder/bin/python" -c 'import pip' 2>/dev/null; then
        python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
            fail "python3 is $(python3 --version 2>&1), the pinned packages need 3.11 or newer" \
                "put a newer python3 first on the PATH, remove $folder and run it again"
        say "making the environment $folder"
        rm -rf "$folder"
        python3 -m venv "$folder" || fail "python3 -m venv $folder" "apt-get install python3-venv, then run it again"
    fi
    rm -f "$stamp"
    say "installing $requirements into $folder"
    "$folder/bin/python" -m pip install --quiet --requirement "$requirements" ||
        fail "pip install --requirement $requirements" "check the network, then run it again; it goes on from here"
    printf '%s\n' "$wanted" >"$stamp"
}

# The build finds Arrow's headers and libraries through this one link. It is relative, so the folder may be moved.
link_arrow() {
    [[ -e .deps/arrow/$arrow_library ]] && return
    local found
    found=$(compgen -G ".venv/lib/python3*/site-packages/pyarrow/$arrow_library" | head -n 1) || true
    [[ -n $found ]] || fail "the installed pyarrow has no $arrow_library" \
        "rm -rf .venv and run 'make setup' again" \
        "if pyarrow's pin was changed, change the library names in Package.swift and here too"
    mkdir -p .deps
    ln -sfn "../${found%/*}" .deps/arrow
}

install_feast() {
    local version
    for version in "${feast_versions[@]}"; do
        install_environment ".venv-feast-$version" "python/tests/feast/requirements-$version.txt"
    done
}

install_cdnow() {
    local target=.deps/cdnow/CDNOW_master.txt
    [[ -s $target ]] && return
    say "fetching the CDNOW purchase log (from the package $cdnow_wheel)"
    mkdir -p .deps/cdnow
    .venv/bin/python -m pip download --quiet --no-deps --dest .deps/cdnow "$cdnow_wheel" ||
        fail "pip download $cdnow_wheel" "check the network, then 'make setup-demo' again"
    .venv/bin/python - "$target" <<'PYTHON' || fail "unpacking CDNOW_master.txt" "rm -rf .deps/cdnow, then again"
import pathlib, sys, zipfile

target = pathlib.Path(sys.argv[1])
(wheel,) = target.parent.glob("*.whl")
partial = target.with_suffix(".partial")
partial.write_bytes(zipfile.ZipFile(wheel).read("lifetimes/datasets/CDNOW_master.txt"))
partial.rename(target)
wheel.unlink()
PYTHON
}

# Two setups at once would write into one .venv: the second waits.
mkdir -p .deps
if command -v flock >/dev/null; then
    exec 9>.deps/.lock
    flock 9
fi

case ${1:-all} in
all)
    check_swift
    install_packages
    install_environment .venv "$requirements"
    link_arrow
    ;;
demo) install_cdnow ;;
feast) install_feast ;;
*) fail "unknown word '$1'" "use .ci/setup.sh, .ci/setup.sh demo or .ci/setup.sh feast" ;;
esac
