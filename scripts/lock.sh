#!/bin/sh
# Rewrite the requirements locks from the .in files. Needs uv; ./run and ./test do not.
# Usage: scripts/lock.sh [--upgrade]     Without --upgrade only what the .in files changed moves.
# The locks hold versions and hashes for every platform from Python 3.11 on, and no address of any index.
set -eu
cd "$(dirname "$0")/.."
uv=${UV:-uv}

for part in -build '' -meaning -postgres -fast -dev -node; do
    "$uv" pip compile "$@" --quiet --universal --generate-hashes --python-version 3.11 \
        --no-emit-index-url --no-emit-find-links --custom-compile-command scripts/lock.sh \
        "requirements$part.in" --output-file "requirements$part.lock"
    echo "requirements$part.lock: $(grep -c '==' "requirements$part.lock") packages"
done
