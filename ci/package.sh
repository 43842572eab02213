#!/usr/bin/env bash
# The package as it would be published, built from what is in it.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo package --quiet --allow-dirty
echo 'checked: 1 package'
