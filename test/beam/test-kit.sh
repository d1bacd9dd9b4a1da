#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 120
#
# Runs in lane sdk, with the reference kit: what is told about kits, a query, a stream, approvals, an
# interrupt, and that no kit outlives its run, its session or asmd.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need_asmd "kits"

# codex and amp have a kit here, the one of claude is broken, the others have none
mkdir -p "$ASM_TMP/kits/claude"
cp -R "$ASM_ROOT/priv/kits/reference" "$ASM_TMP/kits/codex"
cp -R "$ASM_ROOT/priv/kits/reference" "$ASM_TMP/kits/amp"
echo '{"name": "half"}' >"$ASM_TMP/kits/claude/kit.json"
printf '[kits]\npath = %s\n' "$ASM_TMP/kits" >"$ASM_TMP/asmd.conf"

no_kit_runs() {
        [ -z "$(own_processes '/kit\.sh')" ]
}

kit_runs() {
        ! no_kit_runs
}

start_asmd asmd --config "$ASM_TMP/asmd.conf"
check_match "asmctl providers shows a kit" \
        "^kit +reference 1\.0\.0 in $ASM_TMP/kits/codex \(approval, input, interrupt\)$" "$("$ASMCTL" providers codex)"
check_match "and what is wrong with one" "^kit +.*$ASM_TMP/kits/claude/kit\.json" "$("$ASMCTL" providers claude)"
check_equal "and nothing where there is none" "" "$("$ASMCTL" providers cursor | grep '^kit')"
erl_test checker kit_test main "$ASMD_NODE" "$ASM_TMP/kits"
check "no kit is left" wait_until no_kit_runs

"$ASM_ERL" -noinput -hidden -sname starter -eval "
        {ok, S} = erpc:call('$ASMD_NODE', asm, start_session, [[{provider, codex}, {lane, sdk}]]),
        {ok, _} = erpc:call('$ASMD_NODE', asm, stream, [S, <<\"wait\">>]), halt()." >"$LOGS/starter.log" 2>&1
check "a kit waits" wait_until kit_runs
stop_process "$ASMD_PID" KILL
check "a killed asmd leaves no kit" wait_until no_kit_runs
