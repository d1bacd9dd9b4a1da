#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 240
#
# asmd as the remote node of others: of a BEAM that does what an Elixir ASM node does, and of another
# asmd.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need_asmd "asmd as remote node"

# configure NAME LINE...: NAME.conf with these lines in [host]
configure() {
        local name=$1
        shift
        printf '%s\n' '[host]' "$@" >"$ASM_TMP/$name.conf"
}

providers=$ASM_ROOT/priv/providers
configure open 'enabled = true' 'allow = *'
start_asmd open --config "$ASM_TMP/open.conf"
open_pid=$ASMD_PID
open_node=$ASMD_NODE
erl_test checker served_test main "$open_node" "$providers"
check "asmd still runs" is_running "$open_pid"
stop_process "$open_pid"
check_equal "SIGTERM ends asmd with status 0" 0 $?
