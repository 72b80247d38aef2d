#!/bin/bash
# Emacs with lsp-mode, and Helix, made once and kept in ${XDG_CACHE_HOME:-~/.cache}/edgewise-editors/others.
# For Debian, as root; uses the machine's Debian mirror only. Versions are pinned below.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../debian.sh"

SUITE=forky EMACS=30.2 LSP_MODE=10.0.0 HELIX=25.07.1

ROOT=${XDG_CACHE_HOME:-$HOME/.cache}/edgewise-editors/others
mkdir -p "$ROOT"
exec 9>"$ROOT/lock"
flock 9 # two runs at once would write over each other

need patchelf:patchelf tmux:tmux

# missing PATH WORDS: whether the pinned thing is not there; check: the same, but then it is an error.
missing() { [ ! -e "$ROOT/$1" ]; }
check() { ! missing "$1" || { echo "Debian $SUITE has no $2 any more: change the pins in $0" >&2; exit 1; }; }

LISP=emacs/sysroot/usr/share/emacs/site-lisp/elpa-src/lsp-mode-$LSP_MODE
if missing "$LISP/lsp-mode.elc"; then
  unpack "$ROOT/emacs" "$SUITE" emacs-nox elpa-lsp-mode
  adopt "$ROOT/emacs" usr/bin/emacs-nox
  check "emacs/sysroot/usr/share/emacs/$EMACS/lisp" "Emacs $EMACS"
  check "$LISP" "lsp-mode $LSP_MODE"
  python3 "$(dirname "${BASH_SOURCE[0]}")/emacs.py" "$ROOT/emacs/sysroot" --batch \
    --eval '(setq byte-compile-warnings nil)' -f batch-byte-compile "$ROOT"/emacs/sysroot/usr/share/emacs/site-lisp/elpa-src/*/*.el \
    >/dev/null 2>&1 || true # what needs a package that is not there stays source
  check "$LISP/lsp-mode.elc" "lsp-mode that compiles"
fi

if missing hx/sysroot/usr/lib/hx/hx || ! "$ROOT/hx/sysroot/usr/lib/hx/hx" --version | grep -q "^helix $HELIX"; then
  unpack "$ROOT/hx" "$SUITE" hx
  adopt "$ROOT/hx" usr/lib/hx/hx
  "$ROOT/hx/sysroot/usr/lib/hx/hx" --version | grep "^helix $HELIX" ||
    { echo "Debian $SUITE has no Helix $HELIX any more: change the pins in $0" >&2; exit 1; }
fi
