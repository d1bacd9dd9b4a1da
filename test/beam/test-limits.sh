#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 240
#
# The limits of asmd.conf, each at its number and one over it.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need_asmd "limits"

# the numbers are those of limits_test
cat >"$ASM_TMP/asmd.conf" <<CONF
[limits]
max_sessions = 3
max_runs = 2
max_subscribers = 2
max_connections = 3
max_mailbox = 16
max_frame = 65536

[host]
enabled = true
allow = checker@*
max_sessions = 2
CONF
export PATH=$ASM_ROOT/priv/providers:$PATH
start_asmd asmd --config "$ASM_TMP/asmd.conf"
erl_test checker limits_test main "$ASMD_NODE"
check "asmd still runs" is_running "$ASMD_PID"
stop_process "$ASMD_PID"
check_equal "SIGTERM ends asmd with status 0" 0 $?
