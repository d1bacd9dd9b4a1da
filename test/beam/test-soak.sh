#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 480
#
# Mixed load with chaos: two minutes here, as long as wanted with scripts/soak.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need_asmd "a soak"
need_host_app

minutes=${ASM_SOAK_MINUTES:-2}
# some rounds are too few to tell a step of the allocator, up to 8 %, from a loss
flat_percent=5
[ "$minutes" -ge 10 ] || flat_percent=10
# the address sanitizer keeps freed memory for a while: flat is what the plain build has to be
is_sanitized && flat_percent=0
start_epmd
PATH=$ASM_ROOT/priv/providers:$PATH start_asmd asmd
erl_test checker soak_test main "$ASMD_NODE" "$ASMD_PID" "$minutes" "${ASM_SOAK_SEED:-20260101}" $flat_percent
grep -a '^# ' "$LOGS/soak_test.log"
check "asmd still runs" is_running "$ASMD_PID"
stop_process "$ASMD_PID"
check_equal "SIGTERM ends asmd with status 0" 0 $?
