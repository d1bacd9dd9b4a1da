#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 240
#
# A thousand sessions at a time through one daemon.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need_asmd "a thousand sessions"

start_beam host -eval 'ok = fake_host:start().'
start_asmd asmd
erl_test checker flood_test main "$ASMD_NODE" "host@$HOST" 1000 100
check "asmd still runs" is_running "$ASMD_PID"
stop_process "$ASMD_PID"
check_equal "SIGTERM ends asmd with status 0" 0 $?
