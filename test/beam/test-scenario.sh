#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 300
#
# Everything at once, at random from a fixed seed.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need_asmd "a random scenario"

# the address sanitizer keeps freed memory for a while
growth_kb=65536
is_sanitized && growth_kb=1048576
start_asmd asmd
erl_test checker scenario_test main "$ASMD_NODE" "${ASM_SCENARIO_STEPS:-4000}" "${ASM_SCENARIO_SEED:-20260101}" $growth_kb
check "asmd still runs" is_running "$ASMD_PID"
stop_process "$ASMD_PID"
check_equal "SIGTERM ends asmd with status 0" 0 $?
