# Sourced by the scripts beside it, after debian.sh: the standard library of foreign targets, made
# with Debian's toolchain from Debian's sources, and kept from one run to the next.
#
# Why not `-Zbuild-std`: it makes the library again in each target directory, and one that can be
# linked by zig not at all, since it makes a shared library of it as well.
# shellcheck shell=bash disable=SC2154

# sysroots KIND TARGET…: makes what is missing, and tells cargo where it is. KIND is `check`, which
# suffices for `cargo check` and `cargo clippy`, or `build`, which can be linked as well, and takes
# half as long again.
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
        # The path says which kind it is, so that cargo notices when it is another one.
        export "CARGO_TARGET_${variable^^}_RUSTFLAGS=--sysroot=$path"
    done
}

# All targets by one cargo, which keeps the processors busy.
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
        # A shared library would have to be linked, with the target's own C library.
        cp -rL "$sources" "$begun/library"
        sources=$begun/library
        sed -i 's/^crate-type = \["dylib", "rlib"\]$/crate-type = ["rlib"]/' "$sources/std/Cargo.toml"
        # Not optimized: that halves the time, and the library checks what it may.
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
        # Complete, or not there. If another run was faster, its result is as good.
        mv -T "$begun/$target" "$sysroot/lib/rustlib/$target" 2>/dev/null || [ -d "$sysroot/lib/rustlib/$target" ]
    done
    rm -rf "$begun"
}
