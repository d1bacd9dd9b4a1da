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
# the address sanitizer keeps freed memory for a while
growth_kb=65536
is_sanitized && growth_kb=1048576
erl_test checker failure_test main "$ASMD_NODE" $growth_kb
check "asmd still runs" is_running "$ASMD_PID"
check_equal "no stand-in CLI is left" "" "$(own_processes 'priv/providers/')"

# a workspace that cannot be written to, for root as well: a file system that is mounted read-only
mkdir "$ASM_TMP/read-only"
if mount -t tmpfs -o ro asm-test "$ASM_TMP/read-only" 2>"$LOGS/mount.log"; then
        start_beam_host workspace
        check_match "a workspace that is not writable fails the start" 'backend start failed: .*cwd_not_writable' \
                "$("$ASMCTL" query --provider codex --remote "workspace@$HOST" --cwd "$ASM_TMP/read-only" hello 2>&1)"
        check_match "and the doctor says so" 'FAILED +workspace ' \
                "$("$ASMCTL" doctor "workspace@$HOST" --provider codex --cwd "$ASM_TMP/read-only" 2>&1)"
        umount "$ASM_TMP/read-only"
else
        ok "a workspace that is not writable # SKIP no right to mount: $(cat "$LOGS/mount.log")"
fi
stop_process "$ASMD_PID"
check_equal "SIGTERM ends asmd with status 0" 0 $?
