#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 180
#
# Nodes that go and come back: a peer, asmd, epmd; and an asmd that is stopped for longer than
# net_ticktime.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need_asmd "nodes that go and come back"
need_host_app

# all nodes have to agree on it
export ERL_FLAGS="-kernel net_ticktime 4"
printf '[node]\nnet_ticktime = 4\n' >"$ASM_TMP/asmd.conf"
export PATH=$ASM_ROOT/priv/providers:$PATH
start_epmd

# run_check NAME ARGUMENT...: a check of chaos_nodes_test
run_check() {
        erl_test "checker$RANDOM" chaos_nodes_test main "$1" "$ASMD_NODE" "$ASMD_PID" "${@:2}"
}

start_asmd asmd --config "$ASM_TMP/asmd.conf"
run_check peer_restarted
run_check epmd_restarted
run_check suspended 4
check "asmd still runs" is_running "$ASMD_PID"
stop_process "$ASMD_PID"
check_equal "SIGTERM ends asmd with status 0" 0 $?

# what it starts again is the same command
printf '#!/bin/sh\nexec "%s" --sname doomed --cookie-file "%s" --config "%s" >"%s/again.out" 2>"%s/again.log"\n' \
        "$ASMD" "$COOKIE_FILE" "$ASM_TMP/asmd.conf" "$LOGS" "$LOGS" >"$ASM_TMP/again"
chmod +x "$ASM_TMP/again"
start_asmd doomed --config "$ASM_TMP/asmd.conf"
run_check killed "$ASM_TMP/again" "$LOGS/again.out"
