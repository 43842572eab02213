# Sourced by other scripts after debian.sh: builds the standard library of foreign targets with Debian's toolchain from
# Debian's sources, and caches it between runs.
#
# `-Zbuild-std` would not do: it builds the library anew in each target directory, and it also builds a shared library,
# which zig cannot link.
# shellcheck shell=bash disable=SC2154

# sysroots KIND TARGET…: builds the missing libraries, and tells cargo where they are. KIND is `check`, which is enough
# for `cargo check` and `cargo clippy`, or `build`, which can also be linked and takes half as long again.
sysroots() {
    local kind=$1 target base missing=()
    shift
    base=$cache/sysroot-$(rustc --version | cut -d ' ' -f 2)
    for target in "$@"; do
        [ -d "$base/build/lib/rustlib/$target" ] || [ -d "$base/$kind/lib/rustlib/$target" ] || missing+=("$target")
    done
    [ ${#missing[@]} -eq 0 ] || make_sysroots "$kind" "$base/$kind" "${missing[@]}"
    for target in "$@"; do
        local path=$base/$kind variable=${target//-/_}
        [ -d "$path/lib/rustlib/$target" ] || path=$base/build
        # The path contains the kind, so that cargo notices a change of kind.
        export "CARGO_TARGET_${variable^^}_RUSTFLAGS=--sysroot=$path"
    done
}

# One cargo builds all targets, which keeps the processors busy.
make_sysroots() {
    local kind=$1 sysroot=$2 sources host begun target
    shift 2
    sources=$(rustc --print sysroot)/lib/rustlib/src/rust/library
    host=$(rustc -vV | sed -n 's/^host: //p')
    begun=$(mktemp -d "$cache/sysroot.XXXXXX")

    local arguments=() options=()
    for target in "$@"; do
        arguments+=(--target "$target")
    done
    if [ "$kind" = build ]; then
        # A shared library would have to be linked with the target's own C library.
        cp -rL "$sources" "$begun/library"
        sources=$begun/library
        sed -i 's/^crate-type = \["dylib", "rlib"\]$/crate-type = ["rlib"]/' "$sources/std/Cargo.toml"
        # Not optimized: the build takes half the time, and the library's debug checks are on.
        options=(--config profile.dev.debug=0 --config profile.dev.incremental=false)
    else
        options=(--release)
    fi
    # `--cap-lints=allow` would hide a warning that cargo reads.
    (
        cd "$begun" || exit 1
        RUSTFLAGS='-Zforce-unstable-if-unmarked -Awarnings' cargo "$kind" --quiet "${options[@]}" \
            -Zavoid-dev-deps --manifest-path "$sources/sysroot/Cargo.toml" --locked --offline \
            --config 'source.crates-io.replace-with="vendored"' \
            --config "source.vendored.directory='$sources/vendor'" \
            --target-dir "$begun/target" "${arguments[@]}"
    )

    mkdir -p "$sysroot/lib/rustlib"
    ln -sfnT "$(rustc --print sysroot)/lib/rustlib/$host" "$sysroot/lib/rustlib/$host"
    for target in "$@"; do
        mkdir -p "$begun/$target/lib"
        if [ "$kind" = build ]; then
            cp "$begun/target/$target"/debug/deps/*.rlib "$begun/$target/lib"
        else
            cp "$begun/target/$target"/release/deps/*.rmeta "$begun/$target/lib"
        fi
        # The rename is atomic: the folder is complete or absent. If another run was faster, its result is used.
        mv -T "$begun/$target" "$sysroot/lib/rustlib/$target" 2>/dev/null || [ -d "$sysroot/lib/rustlib/$target" ]
    done
    rm -rf "$begun"
}
