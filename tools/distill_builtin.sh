#!/usr/bin/env bash
# tools/distill_builtin.sh BACKBONE [FOLDER]: makes the built-in backbone again, from a file of DeiT-Tiny's weights and Debian's photo packages, and puts
# it into featup/builtin/. FOLDER, default build/builtin, keeps the pictures, which are those of train_builtin.sh. A quarter of an hour on two cores.
set -euo pipefail
# shellcheck source=tools/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

backbone=${1:?usage: tools/distill_builtin.sh BACKBONE [FOLDER]}
prepare_builtin "${2:-$root/build/builtin}"
"$root/build/bin/distill_backbone" "$backbone" backbone.safetensors 4 800 pictures
cp backbone.safetensors "$root/featup/builtin/backbone.safetensors"
echo "the new backbone is in featup/builtin/backbone.safetensors; the next build carries it"
