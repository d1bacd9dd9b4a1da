#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 240
#
# Peers that break the protocol.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need_asmd "peers that break the protocol"

start_asmd asmd
erl_test checker hostile_test main "$ASMD_NODE" "$ASMD_PID"
check "asmd still runs" is_running "$ASMD_PID"
stop_process "$ASMD_PID"
check_equal "SIGTERM ends asmd with status 0" 0 $?
