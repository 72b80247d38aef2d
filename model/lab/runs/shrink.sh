#!/usr/bin/env bash
# Size against quality, from a finished checkpoint: a table and a plot of quantization types, of pruned students, and of
# students from nothing with and without a teacher. Students of one table learn from the same rows in the same order.
#
#   CHECKPOINT    the finished run (default: the last CPU run), or the GGUF that ships
#   ROWS          training rows; HELD_ROWS held-out rows of the same layout
#   STAGES        of "quantization pruning distillation", which; each makes what is not there yet, then its table.
#                 A student that was cut goes on from its checkpoint.
#   STEPS, BATCH  how many steps of how many tokens a pruned student gets; SCRATCH_STEPS one that begins with nothing
#   CONTEXT_SHARE of the plain targets, whose loss is computed: what learns the same from less work
#   COMPILE       empty: no torch.compile (worth it from some minutes a student on)
#   TYPES         of the first table, F16 first
#   STUDENTS      which of them; the unhealed ones are always there
#   SCRATCH       the shape of the two students that begin with nothing
#   MAKE_ONLY     not empty: no tables
#   OUT           where everything is kept; another folder begins anew
#   SMALL         the sizes of the smoke test
set -euo pipefail
cd "$(dirname "$0")/../../.."
source model/lab/runs/settings.sh

CHECKPOINT=${CHECKPOINT:-$WORK/run-spm/checkpoint.pt}
ROWS=${ROWS:-$WORK/train-256e.npz}
HELD_ROWS=${HELD_ROWS:-$WORK/heldout-spm.npz}
STEPS=${STEPS:-250}
SCRATCH_STEPS=${SCRATCH_STEPS:-$STEPS}
BATCH=${BATCH:-8192}
STAGES=${STAGES:-quantization pruning distillation}
TYPES=${TYPES:-F16 Q8_0 Q6_K Q5_K_M Q4_K_M Q4_0}
STUDENTS=${STUDENTS:-layers-healed layers-distilled ffn-healed ffn-distilled scratch scratch-distilled}
SCRATCH=${SCRATCH:-}
WORKERS=${WORKERS:-$(nproc)}
FEW_LAYERS=4 ALL_LAYERS=6 HALF_FFN=352 SHAPE=(--n-batch-tokens "$BATCH" ${COMPILE---compile})
[ -z "${SMALL:-}" ] || {
    FEW_LAYERS=1 ALL_LAYERS=2 HALF_FFN=64
    SHAPE=(--n-vocab 2048 --d-model 64 --n-heads 2 --d-ffn 96 --n-batch-tokens 2048)
}
OUT=${OUT:-$WORK/shrink}
DOCS=${DOCS:-docs/images}
mkdir -p "$OUT" "$DOCS"

export_as() { # CHECKPOINT TYPE OUT
    python -m model.lab.export --checkpoint "$1" --tokenizer "$WORK/tokenizer.model" --type "$2" --out "$3"
}
table_of() { # NAME MEMBER ...
    [ -z "${MAKE_ONLY:-}" ] || return 0
    local named=()
    for member in "${@:2}"; do named+=("$member=$OUT/$member.gguf"); done
    python -m model.lab.shrink --tokenizer "$WORK/tokenizer.model" --held-out "$WORK/corpus/heldout.jsonl" \
        --held-rows "$HELD_ROWS" --rows-read "${ROWS_READ:-192}" --lines "${LINES_MEASURED:-300}" \
        --repeats "${REPEATS:-3}" --files-read "${FILES_READ:-100}" \
        --out "$OUT/$1.json" --plot "$DOCS/$1.svg" "${named[@]}"
}
wanted() { # NAME ...: those of them that are among STUDENTS
    for name in "$@"; do [[ " $STUDENTS " != *" $name "* ]] || echo "$name"; done
}
student() { # NAME LAYERS STEPS RATE ARGUMENTS ...: unless its file is there or nobody wants it
    [ -n "$(wanted "$1")" ] && [ ! -e "$OUT/$1.gguf" ] || return 0
    python -m model.lab.train --run "$OUT/run-$1" --rows "$ROWS" --held-out "$HELD_ROWS" --workers "$WORKERS" \
        "${SHAPE[@]}" --n-layers "$2" --steps "$3" --warmup-steps "$(($3 / 10 + 1))" --decay-from 0.3 \
        --log-every 10 --eval-every "${EVAL_EVERY:-400}" --eval-rows "${EVAL_ROWS:-48}" \
        --lr-matrix "$4" --lr-other 0.002 --context-share "${CONTEXT_SHARE:-1}" "${@:5}"
    export_as "$OUT/run-$1/checkpoint.pt" Q8_0 "$OUT/$1.gguf"
}
whole() { # the file that the students are held against
    [ -e "$OUT/Q8_0.gguf" ] || export_as "$CHECKPOINT" Q8_0 "$OUT/Q8_0.gguf"
}

# The product's own quantizer, which keeps the embedding at Q8_0. From a Q8_0 file, F16 is the same weights wider.
quantization() {
    export_as "$CHECKPOINT" F16 "$OUT/F16.gguf"
    for type in ${TYPES/F16 /}; do
        rm -f "$OUT/$type.gguf"
        edgewise model quantize "$OUT/F16.gguf" --to "$type" --output "$OUT/$type.gguf"
    done
    table_of quantization $TYPES
}

unhealed() { # NAME ARGUMENTS ...
    [ -e "$OUT/$1.pt" ] || python -m model.lab.prune --checkpoint "$CHECKPOINT" --rows "$ROWS" --out "$OUT/$1.pt" "${@:2}"
    [ -e "$OUT/$1.gguf" ] || export_as "$OUT/$1.pt" Q8_0 "$OUT/$1.gguf"
}

# What is lost with a third of the layers or half of the feed-forward units, and how much of it heals, without and with a teacher.
pruning() {
    whole
    unhealed layers-unhealed --layers "$FEW_LAYERS"
    unhealed ffn-unhealed --d-ffn "$HALF_FFN"
    local names=$(wanted layers-healed layers-distilled ffn-healed ffn-distilled)
    for name in $names; do
        local arguments=(--begin-with "$OUT/${name%-*}-unhealed.pt") n_layers=$FEW_LAYERS
        [ "${name%-*}" != ffn ] || { arguments+=(--d-ffn "$HALF_FFN"); n_layers=$ALL_LAYERS; }
        [ "${name#*-}" != distilled ] || arguments+=(--teacher "$CHECKPOINT")
        student "$name" "$n_layers" "$STEPS" "${HEALING_RATE:-0.003}" "${arguments[@]}"
    done
    table_of pruning Q8_0 layers-unhealed ffn-unhealed $names
}

# Does a teacher help a student that begins with nothing?
distillation() {
    whole
    student scratch "$FEW_LAYERS" "$SCRATCH_STEPS" 0.008 $SCRATCH
    student scratch-distilled "$FEW_LAYERS" "$SCRATCH_STEPS" 0.008 --teacher "$CHECKPOINT" $SCRATCH
    table_of distillation Q8_0 $(wanted scratch scratch-distilled)
}

for stage in $STAGES; do
    case $stage in
        quantization | pruning | distillation) "$stage" ;;
        *) echo "STAGES: $stage is none of quantization, pruning, distillation" >&2; exit 2 ;;
    esac
done
