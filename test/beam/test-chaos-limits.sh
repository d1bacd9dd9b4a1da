#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 180
#
# What asmd does at the limits of its machine: no descriptors, little memory, no room for its log, and
# a clock that is set.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need_asmd "the limits of the machine"

sanitized=
is_sanitized && sanitized=yes
real_asmd=$ASMD
ASMD=$ASM_TMP/limited-asmd

# limited COMMAND: the asmd that is started next runs behind it
limited() {
        printf '#!/bin/sh\n%s\nexec "%s" "$@"\n' "$1" "$real_asmd" >"$ASMD"
        chmod +x "$ASMD"
}

# run_check NAME ARGUMENT...: a check of chaos_limits_test with the asmd that runs, which ends then
run_check() {
        erl_test "checker$RANDOM" chaos_limits_test main "$1" "$ASMD_NODE" "$ASMD_PID" "${@:2}"
        grep -a '^# ' "$LOGS/chaos_limits_test.log"
        check "$1: asmd still runs" is_running "$ASMD_PID"
        stop_process "$ASMD_PID"
        check_equal "$1: SIGTERM ends asmd with status 0" 0 $?
}

# a link that is silent for that long is dropped, whatever the clock says
export ERL_FLAGS="-kernel net_ticktime 4"
export CODEX_PATH=$ASM_ROOT/priv/providers/codex
start_beam host -eval 'ok = fake_host:start().'

limited 'ulimit -n 48'
printf '[node]\nsetup_timeout_ms = 60000\n' >"$ASM_TMP/descriptors.conf"
start_asmd descriptors --config "$ASM_TMP/descriptors.conf"
run_check descriptors "$LOGS/descriptors.log"

if [ -n "$sanitized" ]; then
        echo "ok - memory # SKIP the address sanitizer needs more than any limit that means something"
else
        # 96 MiB of data, with stacks of threads of 1 MiB
        limited 'ulimit -s 1024; ulimit -d 98304'
        printf '[limits]\nmax_connections = 16\nmax_frame = 1048576\nhigh_water = 262144\nmax_queued_bytes = 2097152\n' \
                >"$ASM_TMP/memory.conf"
        start_asmd memory --config "$ASM_TMP/memory.conf"
        run_check memory
fi

# a file system of 64 KiB, which is filled
limited ''
full=$ASM_TMP/full
mkdir "$full"
end_test_and_mount() {
        local status=$?
        umount "$full" 2>/dev/null
        (exit $status)
        end_test
}
trap end_test_and_mount EXIT
if mounted=$(mount -t tmpfs -o size=64k asm-full "$full" 2>&1); then
        ln -s "$full/log" "$LOGS/full.log"
        start_asmd full
        run_check full_disk "$full" "host@$HOST"
        umount "$full"
else
        echo "ok - full_disk # SKIP no file system can be mounted here: $mounted"
fi
limited 'exec 2>/dev/full'
start_asmd deaf
check "asmd runs with a standard error that takes nothing" is_running "$ASMD_PID"
stop_process "$ASMD_PID"
check_equal "and ends with status 0" 0 $?

faketime=$(find /usr/lib -name libfaketime.so.1 2>/dev/null | head -n 1)
if [ -n "$sanitized" ]; then
        echo "ok - clock # SKIP the address sanitizer must be the first library, libfaketime, too"
elif [ -z "$faketime" ]; then
        echo "ok - clock # SKIP there is no libfaketime: run scripts/install-deps test"
else
        echo '+0d' >"$ASM_TMP/clock"
        limited "export LD_PRELOAD='$faketime' FAKETIME_TIMESTAMP_FILE='$ASM_TMP/clock' FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1 DONT_FAKE_MONOTONIC=1"
        printf '[node]\nnet_ticktime = 4\n' >"$ASM_TMP/clock.conf"
        start_asmd clock --config "$ASM_TMP/clock.conf"
        run_check clock "$ASM_TMP/clock" "host@$HOST"
fi
