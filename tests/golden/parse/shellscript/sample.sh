#!/usr/bin/env bash
# Builds things.
set -euo pipefail

source ./lib/common.sh
. "${HERE}/env.sh"

readonly LIMIT=10
export PATH="$HOME/bin:$PATH"
declare -a FILES=(a b)
NAME=${1:-x}

# Says something
# on stderr.
say() {
  local words="$*"
  printf '%s\n' "$words" >&2
}

function build_all {
  for file in "${FILES[@]}"; do
    say "building $file"
    compile "$file" | tee log
  done
  count=$((count + 1))
}

if [[ $NAME == x ]]; then
  build_all
fi
alias ll='ls -l'
