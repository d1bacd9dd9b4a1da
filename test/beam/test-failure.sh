#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 420
#
# Every way in which a run on a remote node fails, caused for real.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need_asmd "failures of remote runs"
need_host_app

start_asmd asmd
erl_test checker failure_test main "$ASMD_NODE"
check "asmd still runs" is_running "$ASMD_PID"
check_equal "no stand-in CLI is left" "" "$(own_processes 'priv/providers/')"
stop_process "$ASMD_PID"
check_equal "SIGTERM ends asmd with status 0" 0 $?
