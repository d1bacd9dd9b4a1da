#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 120
#
# Terms of every type go to our codec and come back as they were.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
echo_program=$ASM_BUILD/test/support/term-echo
[ -x "$echo_program" ] || skip_all "terms survive a round trip" "no $echo_program: build it with scripts/build"

plain_erl_test term_roundtrip "term_roundtrip:run(\"$echo_program\")."
