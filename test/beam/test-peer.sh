#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 180
# any-otp
#
# The operations of an Erlang peer, each with the answer a BEAM gives: peer_test against asmd.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need_asmd "an Erlang node's operations on asmd"

start_asmd asmd
erl_test checker peer_test main "$ASMD_NODE"
check "asmd still runs" is_running "$ASMD_PID"
stop_process "$ASMD_PID"
check_equal "SIGTERM ends asmd with status 0" 0 $?
