#!/usr/bin/env bash
# The same on one GPU: a 50M-parameter model, about a billion tokens, rows of 2,048 from the start. One command to
# start, the same command to go on.
set -euo pipefail
cd "$(dirname "$0")/../../.."
source model/lab/runs/settings.sh

STEPS=${STEPS:-8000}       # of 131,072 tokens: 1.05 billion

prepare
[ -e "$WORK/heldout-512.npz" ] || rows heldout 512 --out "$WORK/heldout-512.npz"
[ -e "$WORK/train-1024.npz" ] || rows train 1024 --snippet-chars 1200 --out "$WORK/train-1024.npz"
[ -e "$WORK/train-2048.npz" ] || rows train 2048 --snippet-chars 2400 --repo-rate 0.5 --seed 2 --out "$WORK/train-2048.npz"

python -m model.lab.train --run "$WORK/run-gpu" --rows "$WORK/train-1024.npz" --long-rows "$WORK/train-2048.npz" \
    --held-out "$WORK/heldout-512.npz" --device cuda --compile --steps "$STEPS" --long-from 0.4 \
    --d-model 512 --n-layers 12 --n-heads 8 --d-ffn 1408 --n-batch-tokens 131072 --lr-matrix 0.006 --lr-other 0.003

finish "$WORK/run-gpu" "$WORK/edgewise-gpu"
