#!/usr/bin/env bash
# Builds the package as it would be published, from its own contents.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo package --quiet --allow-dirty
echo 'checked: 1 package'
