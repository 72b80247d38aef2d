#!/usr/bin/env bash
# What the tests in the real VS Code need, outside of the repository and kept between runs:
# code-server (VS Code with its own node), Chromium, playwright; then the extension, checked, tested and packed.
# Needs root on Debian for what is not installed yet; otherwise an npm registry and a Python index.
set -euo pipefail
ROOT=$(cd "$(dirname "$0")/../../.." && pwd)
source "$ROOT/tests/editors/debian.sh"
PYTHON=${PYTHON:-$ROOT/.venv/bin/python}
DEST=${XDG_CACHE_HOME:-$HOME/.cache}/edgewise-editors/vscode
CODE_SERVER=4.139.1 # VS Code 1.139.1
NODE=24.21.0
NODE_GYP=13.1.0
case $(uname -m) in x86_64) CPU=x64 ;; aarch64) CPU=arm64 ;; *) echo "no code-server for $(uname -m)" >&2; exit 1 ;; esac
mkdir -p "$DEST"
exec 9>"$DEST/lock"
flock 9 # two runs at once would write over each other

# --- programs of the system; node-gyp wants a python3 of its own, Chromium a font ---
need npm:npm g++:g++ make:make chromium:chromium python3:python3 fc-list:fontconfig unshare:util-linux
fc-list | grep -qi mono || install_packages fonts-dejavu-core

# --- code-server, from npm: its own install script would download from elsewhere ---
unpack_npm() { # SPEC FOLDER
  local scratch tarball
  scratch=$(mktemp -d)
  tarball=$(npm pack --silent --pack-destination "$scratch" "$1" 2>/dev/null | tail -1)
  mkdir -p "$2"
  tar xzf "$scratch/$tarball" -C "$2" --strip-components=1
  rm -r "$scratch"
}

STAMP="$DEST/.ok-$CODE_SERVER-$NODE"
if [ ! -e "$STAMP" ]; then
  rm -rf "$DEST/node24" "$DEST/code-server"
  unpack_npm "node-linux-$CPU@$NODE" "$DEST/node24"
fi
export PATH="$DEST/node24/bin:$PATH" # npm's first line is "env node"
QUIET="--omit=dev --omit=optional --ignore-scripts --no-audit --no-fund --loglevel=error"
if [ ! -e "$STAMP" ]; then
  unpack_npm "code-server@$CODE_SERVER" "$DEST/code-server"
  # shellcheck disable=SC2086
  (cd "$DEST/code-server" && npm ci $QUIET)
  cd "$DEST/code-server/lib/vscode"
  # shellcheck disable=SC2086
  npm install $QUIET # its shrinkwrap is not complete: npm ci refuses
  watcher=$(node -p "require('./node_modules/@parcel/watcher/package.json').version")
  unpack_npm "@parcel/watcher-linux-$CPU-glibc@$watcher" "node_modules/@parcel/watcher-linux-$CPU-glibc"
  # Not the system's node-gyp: it may be too old for this node, or packed without parts of it.
  npm install --silent --no-save --ignore-scripts --no-audit --no-fund --prefix "$DEST/gyp" "node-gyp@$NODE_GYP" >/dev/null
  for module in @vscode/spdlog @vscode/native-watchdog; do # the logs, and the end of orphans
    (cd "node_modules/$module" && node "$DEST/gyp/node_modules/node-gyp/bin/node-gyp.js" rebuild --nodedir="$DEST/node24" >build.log 2>&1) ||
      { tail -20 "node_modules/$module/build.log"; exit 1; }
  done
  rm -rf node_modules/@microsoft/mxc-sdk/bin node_modules/@vscode/sqlite3/deps # not used here, 100 MB
  touch "$STAMP"
fi

# --- the driver ---
cd "$ROOT"
"$PYTHON" -c 'import playwright, PIL, pynvim' 2>/dev/null || "$PYTHON" -m pip install --quiet --editable '.[editors]'

# --- the extension: as a person would get it, with the server's wheel inside ---
rm -rf editors/vscode/server
"$PYTHON" -m pip wheel --quiet --no-deps --wheel-dir editors/vscode/server .
cd editors/vscode
cmp -s package-lock.json node_modules/.edgewise-lock 2>/dev/null ||
  { npm ci --loglevel=error && cp package-lock.json node_modules/.edgewise-lock; }
npm run --silent check
npm test --silent
npm run --silent package
