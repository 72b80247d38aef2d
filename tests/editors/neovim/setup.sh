#!/bin/bash
# What the Neovim tests need, made once and kept in ${XDG_CACHE_HOME:-~/.cache}/edgewise-editors/neovim:
# the newest Neovim and an old one (each with its own libc, nothing installed on the host), tmux, luacheck, StyLua.
# For Debian, as root; uses the machine's Debian mirror and npm registry only. Versions are pinned below.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../debian.sh"

NVIM_SUITE=forky NVIM_VERSION=0.12
OLD_SUITE=bookworm OLD_VERSION=0.7
STYLUA=2.5.2

ROOT=${XDG_CACHE_HOME:-$HOME/.cache}/edgewise-editors/neovim
mkdir -p "$ROOT"
exec 9>"$ROOT/lock"
flock 9 # two runs at once would write over each other

need patchelf:patchelf tmux:tmux luacheck:lua-check node:nodejs npm:npm unshare:util-linux git:git

# fetch FOLDER SUITE VERSION: Debian SUITE's neovim under FOLDER/sysroot; there it is an ordinary program.
fetch() {
  local folder=$1 suite=$2 version=$3
  if "$folder/sysroot/usr/bin/nvim" --version 2>/dev/null | grep -q "^NVIM v$version\."; then return; fi
  unpack "$folder" "$suite" neovim
  adopt "$folder" usr/bin/nvim
  "$folder/sysroot/usr/bin/nvim" --version | grep "^NVIM v$version\." ||
    { echo "Debian $suite has no Neovim $version any more: change the pins in $0" >&2; exit 1; }
}

fetch "$ROOT/new" "$NVIM_SUITE" "$NVIM_VERSION"
fetch "$ROOT/old" "$OLD_SUITE" "$OLD_VERSION"

# StyLua compiled to WebAssembly: the other npm package of that name downloads a program from elsewhere.
if [ ! -e "$ROOT/node/node_modules/@johnnymorganz/stylua/package.json" ]; then
  npm install --silent --no-fund --no-audit --ignore-scripts --prefix "$ROOT/node" "@johnnymorganz/stylua@$STYLUA" >/dev/null
fi
