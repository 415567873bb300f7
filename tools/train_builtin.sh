#!/usr/bin/env bash
# tools/train_builtin.sh BACKBONE [FOLDER]: trains the built-in JBU stack again, from nothing but Debian's photo packages and a file of backbone
# weights (DeiT-Tiny for the one in the tree), and puts it into featup/builtin/. FOLDER, default build/builtin, keeps pictures and checkpoint: the
# same command goes on after an interruption. A quarter of an hour on two cores.
set -euo pipefail
# shellcheck source=tools/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

backbone=${1:?usage: tools/train_builtin.sh BACKBONE [FOLDER]}
prepare_builtin "${2:-$root/build/builtin}"

resume=()
if [ -f stack.safetensors ]; then resume=(--resume); fi
"$root/build/bin/featup" train pictures --backbone "$backbone" -o stack.safetensors "${resume[@]}" \
  --no-mixing --unit-sum --downsampler mean --no-uncertainty --sigma 0.45 --color-range 0.05 --lr 3e-4 --steps 100 \
  --export "$root/featup/builtin/jbu.safetensors" --dtype f16
echo "the new stack is in featup/builtin/jbu.safetensors; the next build carries it"
