#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 900
#
# The nodes of the benchmark; scripts/bench runs it, and bench.erl measures and prints.
# shellcheck source=../beam/lib.sh
. "$(dirname "$0")/../beam/lib.sh"
need_asmd "the benchmark"

# ready_ms: from the start of the program to its line "ready", the median of eleven
ready_ms() {
        local before pid
        for _ in 1 2 3 4 5 6 7 8 9 10 11; do
                before=${EPOCHREALTIME/./}
                coproc START { exec "$ASMD" --sname "start$RANDOM" --cookie-file "$COOKIE_FILE" 2>/dev/null; }
                pid=$START_PID
                read -r -u "${START[0]}" _
                echo $((${EPOCHREALTIME/./} - before))
                kill "$pid"
                wait "$pid" 2>/dev/null
        done | sort -n | sed -n 6p | awk '{ printf "%.2f", $1 / 1000 }'
}

start_epmd
start_beam beam -eval 'ok = relay:start().'
start_beam host -eval 'ok = fake_host:start().'
start_beam sink
ready=$(ready_ms)
start_asmd idle
idle=("$ASMD_NODE" "$ASMD_PID")
start_asmd loaded
loaded=$ASMD_NODE
start_asmd asmd
export ASMCTL BENCH_TERMINAL=$ASM_BUILD/test/bench/bench-terminal
"$ASM_ERL" -noinput -sname bench -pa "$ASM_BEAMS" -eval 'bench:main(init:get_plain_arguments()).' \
        -extra "$ASMD_NODE" "$ASMD_PID" "${idle[@]}" "$loaded" "beam@$HOST" "host@$HOST" "sink@$HOST" "$ready" "${ASM_BENCH_MODE:-full}" 2>&1 |
        tee "$LOGS/bench.log"
check_equal "the benchmark came to its end" 0 "${PIPESTATUS[0]}"
