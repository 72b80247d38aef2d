#!/bin/bash
# What the Neovim tests need, made once and kept in ${XDG_CACHE_HOME:-~/.cache}/edgewise-editors/neovim:
# the newest Neovim and an old one (each with its own libc, nothing installed on the host), tmux, luacheck, StyLua.
# For Debian, as root; uses the machine's Debian mirror and npm registry only. Versions are pinned below.
set -euo pipefail

NVIM_SUITE=forky NVIM_VERSION=0.12
OLD_SUITE=bookworm OLD_VERSION=0.7
STYLUA=2.5.2

ROOT=${XDG_CACHE_HOME:-$HOME/.cache}/edgewise-editors/neovim
mkdir -p "$ROOT"
exec 9>"$ROOT/lock"
flock 9 # two runs at once would write over each other

needed=()
for pair in patchelf:patchelf tmux:tmux luacheck:lua-check node:nodejs npm:npm unshare:util-linux git:git; do
  command -v "${pair%%:*}" >/dev/null || needed+=("${pair##*:}")
done
if ((${#needed[@]})); then
  export DEBIAN_FRONTEND=noninteractive
  apt-get -qq -o DPkg::Lock::Timeout=300 update
  apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "${needed[@]}" >/dev/null
fi

mirror() {
  sed -n 's/^URIs: *//p' /etc/apt/sources.list.d/*.sources 2>/dev/null | head -1 | grep . ||
    sed -n 's/^deb  *\(\[[^]]*\] *\)\?\([^ ]*\).*/\2/p' /etc/apt/sources.list | head -1
}

# fetch FOLDER SUITE VERSION: Debian SUITE's neovim under FOLDER/sysroot; there it is an ordinary program.
fetch() {
  local folder=$1 suite=$2 version=$3
  if "$folder/sysroot/usr/bin/nvim" --version 2>/dev/null | grep -q "^NVIM v$version\."; then return; fi
  rm -rf "$folder"
  mkdir -p "$folder/apt/lists/partial" "$folder/apt/cache/archives/partial" "$folder/sysroot"
  : >"$folder/apt/status" # as if nothing were installed: the whole closure is fetched, libc too
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $(mirror) $suite main" >"$folder/apt/sources.list"
  cat >"$folder/apt/apt.conf" <<C
Dir::State "$folder/apt"; Dir::State::lists "$folder/apt/lists"; Dir::State::status "$folder/apt/status";
Dir::Cache "$folder/apt/cache"; Dir::Etc::sourcelist "$folder/apt/sources.list";
Dir::Etc::sourceparts "/dev/null"; Dir::Etc::preferencesparts "/dev/null";
Acquire::Languages "none"; Acquire::Retries "3"; APT::Sandbox::User "root";
C
  apt-get -c "$folder/apt/apt.conf" -qq update
  apt-get -c "$folder/apt/apt.conf" -qq install -y -d --no-install-recommends neovim
  local package
  for package in "$folder"/apt/cache/archives/*.deb; do dpkg-deb -x "$package" "$folder/sysroot"; done
  rm -rf "$folder/apt"
  local loader # of the suite's own libc; before usr-merge it lay in /lib
  loader=$(find "$folder/sysroot" -name 'ld-linux*.so*' -path '*-linux-gnu*' ! -path '*/sysroot/lib64/*' -print -quit)
  local triplet=${loader%/*}
  triplet=${triplet##*/}
  # --force-rpath: DT_RPATH also serves the libraries' own dependencies.
  patchelf --set-interpreter "$(readlink -f "$loader")" --force-rpath \
    --set-rpath "\$ORIGIN/../lib/$triplet:\$ORIGIN/../../lib/$triplet" "$folder/sysroot/usr/bin/nvim"
  "$folder/sysroot/usr/bin/nvim" --version | grep "^NVIM v$version\." ||
    { echo "Debian $suite has no Neovim $version any more: change the pins in $0" >&2; exit 1; }
}

fetch "$ROOT/new" "$NVIM_SUITE" "$NVIM_VERSION"
fetch "$ROOT/old" "$OLD_SUITE" "$OLD_VERSION"

# StyLua compiled to WebAssembly: the other npm package of that name downloads a program from elsewhere.
if [ ! -e "$ROOT/node/node_modules/@johnnymorganz/stylua/package.json" ]; then
  npm install --silent --no-fund --no-audit --ignore-scripts --prefix "$ROOT/node" "@johnnymorganz/stylua@$STYLUA" >/dev/null
fi
