#!/usr/bin/env bash
# Corpus, tokenizer, rows, training, a cut and a resumed run, export, evaluation, quantizing, pruning, distilling:
# everything once, tiny, in a few minutes. It proves that the parts fit, not that the model is any good.
set -euo pipefail
cd "$(dirname "$0")/../../.."
WORK=$(mktemp -d -t edgewise-smoke-XXXXXX)
trap 'rm -rf "$WORK"' EXIT
ROOTS=$(python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
# A few packages that are always there (two of them held out), not all that the environment happens to hold.
PACKAGES="rich markdown-it-py pygls lsprotocol click pytest pluggy attrs cattrs"
TOKENIZER_CHARS=1000000 PIECES=2048 LINES_MEASURED=8
source model/lab/runs/settings.sh

prepare
rows heldout 256 --out "$WORK/rows-256.npz"
rows heldout 512 --snippet-chars 800 --repo-rate 0.6 --out "$WORK/rows-512.npz"
train() {
    python -m model.lab.train --run "$WORK/run" --rows "$WORK/rows-256.npz" --long-rows "$WORK/rows-512.npz" \
        --held-out "$WORK/rows-256.npz" --workers 1 --n-vocab 2048 --d-model 64 --n-layers 2 --n-heads 2 --d-ffn 96 \
        --n-batch-tokens 2048 --warmup-steps 5 --log-every 5 --eval-rows 4 --steps "$1"
}
train 10
train 20
finish "$WORK/run" "$WORK/edgewise-smoke"
CHECKPOINT=$WORK/run/checkpoint.pt ROWS=$WORK/rows-256.npz HELD_ROWS=$WORK/rows-256.npz LINES_MEASURED=4 REPEATS=1 FILES_READ=8 SMALL=1 STEPS=4 \
    STUDENTS="layers-healed ffn-distilled scratch-distilled" ROWS_READ=16 \
    TYPES="F16 Q8_0 Q4_0" DOCS=$WORK WORK=$WORK bash model/lab/runs/shrink.sh
