#!/usr/bin/env bash
# Size against quality, from a finished checkpoint: the table of quantization types, then the table of pruned,
# distilled and plainly trained students, all healed or trained on the same tokens in the same order.
#
#   CHECKPOINT    the finished run (default: the last CPU run), or the GGUF that ships
#   ROWS          training rows; HELD_ROWS held-out rows of the same layout
#   STEPS, BATCH  how many steps of how many tokens each student gets
#   COMPILE       empty: no torch.compile (worth it from some minutes a student on)
#   STUDENTS      which of them; one that is there already is not made again
#   TYPES         of the first table, F16 first
#   STAGES        what to do of "quantized students tables": the middle one is the long one; "quantization" and
#                 "shrinking" are one table each
#   SCRATCH       the shape of the two students that begin with nothing
#   SMALL         the sizes of the smoke test
set -euo pipefail
cd "$(dirname "$0")/../../.."
source model/lab/runs/settings.sh

CHECKPOINT=${CHECKPOINT:-$WORK/run-spm/checkpoint.pt}
ROWS=${ROWS:-$WORK/train-256e.npz}
HELD_ROWS=${HELD_ROWS:-$WORK/heldout-spm.npz}
STEPS=${STEPS:-250}
BATCH=${BATCH:-8192}
STAGES=${STAGES:-quantized students tables}
TYPES=${TYPES:-F16 Q8_0 Q6_K Q5_K_M Q4_K_M Q4_0}
STUDENTS=${STUDENTS:-layers-healed layers-distilled ffn-healed scratch scratch-distilled}
SCRATCH=${SCRATCH:-}
WORKERS=${WORKERS:-$(nproc)}
FEW_LAYERS=4 HALF_FFN=352 SHAPE=(--n-batch-tokens "$BATCH" ${COMPILE---compile})
[ -z "${SMALL:-}" ] || { FEW_LAYERS=1 HALF_FFN=64 SHAPE=(--n-vocab 2048 --d-model 64 --n-heads 2 --d-ffn 96 --n-batch-tokens 2048); }
ALL_LAYERS=${SMALL:+2}; ALL_LAYERS=${ALL_LAYERS:-6}
OUT=$WORK/shrink
DOCS=${DOCS:-docs/images}
mkdir -p "$OUT" "$DOCS"

export_as() { # CHECKPOINT TYPE OUT
    python -m model.lab.export --checkpoint "$1" --tokenizer "$WORK/tokenizer.model" --type "$2" --out "$3"
}
table() { # NAME NAME=FILE ...
    python -m model.lab.shrink --tokenizer "$WORK/tokenizer.model" --held-out "$WORK/corpus/heldout.jsonl" \
        --lines "${LINES_MEASURED:-300}" --repeats "${REPEATS:-3}" --files-read "${FILES_READ:-100}" \
        --out "$OUT/$1.json" --plot "$DOCS/$1.svg" "${@:2}"
}
student() { # NAME LAYERS ARGUMENTS ...: the same rows, the same number of steps, whatever it begins with
    python -m model.lab.train --run "$OUT/run-$1" --rows "$ROWS" --held-out "$HELD_ROWS" --workers "$WORKERS" \
        "${SHAPE[@]}" --n-layers "$2" --steps "$STEPS" --warmup-steps "$((STEPS / 10 + 1))" \
        --decay-from 0.3 --log-every 10 --eval-rows "${EVAL_ROWS:-48}" --lr-matrix "${LR:-0.004}" --lr-other 0.002 "${@:3}"
    export_as "$OUT/run-$1/checkpoint.pt" Q8_0 "$OUT/$1.gguf"
}

# The product's own quantizer, which keeps the embedding at Q8_0. From a Q8_0 file, F16 is the same weights wider.
quantized() {
    export_as "$CHECKPOINT" F16 "$OUT/F16.gguf"
    for type in ${TYPES/F16 /}; do
        rm -f "$OUT/$type.gguf"
        edgewise model quantize "$OUT/F16.gguf" --to "$type" --output "$OUT/$type.gguf"
    done
}
pruned() { # NAME ARGUMENTS ...
    [ -e "$OUT/$1.pt" ] || python -m model.lab.prune --checkpoint "$CHECKPOINT" --rows "$ROWS" --out "$OUT/$1.pt" "${@:2}"
    [ -e "$OUT/$1.gguf" ] || export_as "$OUT/$1.pt" Q8_0 "$OUT/$1.gguf"
}
# The first two pairs answer two questions: does a teacher help a student that begins with its layers; and one that begins with nothing?
students() {
    pruned layers-unhealed --layers "$FEW_LAYERS"
    pruned ffn-unhealed --d-ffn "$HALF_FFN"
    for name in $STUDENTS; do
        [ -e "$OUT/$name.gguf" ] || case $name in
            layers-healed) student $name "$FEW_LAYERS" --begin-with "$OUT/layers-unhealed.pt" ;;
            layers-distilled) student $name "$FEW_LAYERS" --begin-with "$OUT/layers-unhealed.pt" --teacher "$CHECKPOINT" ;;
            ffn-healed) student $name "$ALL_LAYERS" --d-ffn "$HALF_FFN" --begin-with "$OUT/ffn-unhealed.pt" ;;
            scratch) LR=0.008 student $name "$FEW_LAYERS" $SCRATCH ;;
            scratch-distilled) LR=0.008 student $name "$FEW_LAYERS" --teacher "$CHECKPOINT" $SCRATCH ;;
        esac
    done
}
table_of() { # NAME MEMBER ...
    local named=()
    for member in "${@:2}"; do named+=("$member=$OUT/$member.gguf"); done
    table "$1" "${named[@]}"
}

for stage in $STAGES; do
    case $stage in
        quantized | students) "$stage" ;;
        tables)
            table_of quantization $TYPES
            table_of shrinking Q8_0 layers-unhealed ffn-unhealed $STUDENTS
            ;;
        quantization) table_of quantization $TYPES ;;
        shrinking) table_of shrinking Q8_0 layers-unhealed ffn-unhealed $STUDENTS ;;
    esac
done
