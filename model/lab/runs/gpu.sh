#!/usr/bin/env bash
# The same on one GPU: a 50M-parameter model, about a billion tokens, rows of 1,024 and 2,048, suffix first. One command to
# start, the same command to go on. `TINY=1` runs every line of it in minutes on a processor: small sizes, few steps.
set -euo pipefail
cd "$(dirname "$0")/../../.."
source model/lab/runs/settings.sh

STEPS=${STEPS:-8000} BATCH=131072       # 1.05 billion tokens
DEVICE=(--device cuda --compile)
SHAPE=(--d-model 512 --n-layers 12 --n-heads 8 --d-ffn 1408 --rope-base 100000)
SPLIT=train SHARE=1 COPIES=150
if [ -n "${TINY:-}" ]; then
    STEPS=4 BATCH=4096 DEVICE=(--device cpu) SPLIT=heldout SHARE=0.05 COPIES=3
    SHAPE=(--d-model 64 --n-layers 2 --n-heads 2 --d-ffn 96 --rope-base 100000 --eval-rows 1)
fi

prepare
[ -e "$WORK/heldout-512.npz" ] || rows heldout 512 --spm-rate 1.0 --share "$SHARE" --out "$WORK/heldout-512.npz"
[ -e "$WORK/train-1024.npz" ] || rows $SPLIT 1024 --spm-rate 1.0 --snippet-chars 1200 --share "$SHARE" --out "$WORK/train-1024.npz"
# The last phase: long rows that copy names from their snippets (LOG.md, 2026-11-30).
[ -e "$WORK/copies-2048.npz" ] || python -m model.lab.copies --corpus "$WORK/corpus/$SPLIT.jsonl" \
    --tokenizer "$WORK/tokenizer.model" --time 2048 --snippet-chars 2400 --package-rows "$COPIES" --out "$WORK/copies-2048.npz"
[ -e "$WORK/copies-2048e.npz" ] || python -m model.lab.echo --rows "$WORK/copies-2048.npz" \
    --tokenizer "$WORK/tokenizer.model" --rate 0.15 --out "$WORK/copies-2048e.npz"

python -m model.lab.train --run "$WORK/run-gpu" --rows "$WORK/train-1024.npz" --long-rows "$WORK/copies-2048e.npz" \
    --held-out "$WORK/heldout-512.npz" "${DEVICE[@]}" --steps "$STEPS" --long-from 0.8 "${SHAPE[@]}" \
    --n-batch-tokens "$BATCH" --lr-matrix 0.006 --lr-other 0.003

FAMILY=edgewise finish "$WORK/run-gpu" "$WORK/edgewise-gpu"
