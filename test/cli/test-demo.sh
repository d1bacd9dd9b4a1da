#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 180
#
# scripts/demo comes to its end, for each stand-in.
# shellcheck source=../beam/lib.sh
. "$(dirname "$0")/../beam/lib.sh"
need_asmd "the demo"
[ "$ASM_BUILD" = "$ASM_ROOT/build" ] || skip_all "the demo" "it shows the plain build only"

for provider in codex claude; do
        output=$("$ASM_ROOT/scripts/demo" --provider $provider 'say hello' 2>&1)
        check_equal "the demo with $provider: status" 0 $?
        check_match "the demo with $provider: the answer" 'You asked: say hello' "$output"
done
