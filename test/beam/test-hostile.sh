#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 240
#
# Peers that break the protocol.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need_asmd "peers that break the protocol"

# the largest of what is refused claims gigabytes; the address sanitizer keeps freed memory for a while
growth_kb=65536
is_sanitized && growth_kb=1048576
start_asmd asmd
erl_test checker hostile_test main "$ASMD_NODE" "$ASMD_PID" $growth_kb
check "asmd still runs" is_running "$ASMD_PID"
stop_process "$ASMD_PID"
check_equal "SIGTERM ends asmd with status 0" 0 $?
