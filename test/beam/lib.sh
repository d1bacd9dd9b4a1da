# shellcheck shell=bash disable=SC2034 # much of this is for the tests that source it
# SPDX-License-Identifier: MIT
#
# For the tests that test/beam/run starts: how to start nodes and daemons, wait for conditions, and
# print checks. What is started here is ended when the test ends, in reverse order.
#
# From the runner: ASM_TMP (a directory of the test's own), ASM_BUILD, ASM_ROOT, ASM_BEAMS (the
# compiled modules of the tests), ASM_ERL (the erl to use), ERL_EPMD_PORT, HOME (with the cookie).

set -uo pipefail

ASMD=$ASM_BUILD/src/asmd
ASMCTL=$ASM_BUILD/src/asmctl
HOST=$(hostname -s)
COOKIE_FILE=$HOME/.erlang.cookie
LOGS=$ASM_TMP/log
# what is configured on this machine is no matter of a test; --config names another file
export ASMD_CONFIG=/dev/null
# where stand-ins that hang leave their process ids; a node has the current directory of the runner
export ASM_STANDIN_PIDFILE=$ASM_TMP/standin.pids
started_pids=()
n_bad=0

ok() {
        echo "ok - $1"
}

not_ok() {
        echo "not ok - $1: $(tr '\n' ' ' <<<"${2:-}" | cut -c1-1500)"
        n_bad=$((n_bad + 1))
}

skip_all() {
        echo "ok - $1 # SKIP $2"
        exit 0
}

# check NAME COMMAND...: the command succeeds
check() {
        local name=$1 output
        shift
        if output=$("$@" 2>&1); then ok "$name"; else not_ok "$name" "expected success of '$*' got: $output"; fi
}

# check_equal NAME EXPECTED GOT
check_equal() {
        if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "expected '$2' got '$3'"; fi
}

# check_match NAME REGEX TEXT
check_match() {
        if grep -qE -- "$2" <<<"$3"; then ok "$1"; else not_ok "$1" "expected a match of /$2/ got '$3'"; fi
}

# wait_until [SECONDS] COMMAND...: as often as needed, 60 s if no number is given
wait_until() {
        local seconds=60 end
        if [[ $1 =~ ^[0-9]+$ ]]; then
                seconds=$1
                shift
        fi
        end=$((SECONDS + seconds + 1))
        until "$@" >/dev/null 2>&1; do
                [ $SECONDS -lt $end ] || return 1
                sleep 0.02
        done
}

need_asmd() {
        [ -x "$ASMD" ] || skip_all "$1" "no $ASMD: build it with scripts/build"
}

# Not built here: other tests use it at the same time.
need_host_app() {
        [ -f "$ASM_ROOT/priv/erlang/ebin/asmd_host.app" ] && return
        not_ok "the host application is built" "expected priv/erlang/ebin: run scripts/build-host"
        exit 1
}

# start_asmd NAME [OPTION]...: returns when it says "ready"; ASMD_NODE and ASMD_PID are set
start_asmd() {
        local name=$1 log=$LOGS/$1.log naming=(--sname "$1")
        shift
        [ "${1:-}" != --name ] || naming=()
        # what an earlier one said there is not taken for this one's
        : >"$LOGS/$name.out"
        "$ASMD" "${naming[@]}" --cookie-file "$COOKIE_FILE" "$@" >"$LOGS/$name.out" 2>>"$log" &
        ASMD_PID=$!
        started_pids+=("$ASMD_PID")
        if ! wait_until 20 said_ready_or_ended "$LOGS/$name.out" "$ASMD_PID" ||
                ! grep -q '^ready ' "$LOGS/$name.out"; then
                not_ok "asmd $name starts" "expected a line 'ready NODE' got: $(cat "$LOGS/$name.out" "$log")"
                exit 1
        fi
        ASMD_NODE=$(sed -n 's/^ready //p' "$LOGS/$name.out" | head -n 1)
}

# A build with sanitizers is slower and larger, which tests with limits have to know.
is_sanitized() {
        [[ $(ldd "$ASMD") == *libasan* ]]
}

said_ready_or_ended() {
        grep -q '^ready ' "$1" || ! kill -0 "$2" 2>/dev/null
}

is_running() {
        kill -0 "$1" 2>/dev/null
}

is_gone() {
        ! kill -0 "$1" 2>/dev/null
}

# stop_process PID [SIGNAL]: waits for its end; returns its status
stop_process() {
        kill -"${2:-TERM}" "$1" 2>/dev/null
        wait "$1" 2>/dev/null
}

# start_beam NAME [ERL-ARGUMENT]...: a BEAM node that stays; returns when it can be reached
start_beam() {
        local name=$1
        shift
        "$ASM_ERL" -noinput -sname "$name" -pa "$ASM_BEAMS" "$@" \
                -eval 'io:format("~nready ~s~n", [node()]).' >"$LOGS/$name.log" 2>&1 &
        BEAM_PID=$!
        started_pids+=("$BEAM_PID")
        if ! wait_until 20 said_ready_or_ended "$LOGS/$name.log" "$BEAM_PID" ||
                ! grep -q '^ready ' "$LOGS/$name.log"; then
                not_ok "the BEAM node $name starts" "got: $(cat "$LOGS/$name.log")"
                exit 1
        fi
}

# start_beam_host NAME [ERL-ARGUMENT]...: a BEAM node that runs the host application of priv/erlang
start_beam_host() {
        local name=$1
        shift
        need_host_app
        PATH=$ASM_ROOT/priv/providers:$PATH start_beam "$name" -pa "$ASM_ROOT/priv/erlang/ebin" "$@" \
                -eval '{ok, _} = application:ensure_all_started(asmd_host).'
}

# erl_test NAME MODULE FUNCTION [STRING]...: runs MODULE:FUNCTION([STRING]) on a node of its own,
# which prints the checks; its other words go to its log
erl_test() {
        local name=$1 module=$2 function=$3
        shift 3
        plain_erl_test "$module" "$module:$function(init:get_plain_arguments())." -sname "$name" \
                -extra "$@"
}

# plain_erl_test MODULE EXPRESSION [ERL-ARGUMENT]...: the same, not on a node unless asked for
plain_erl_test() {
        local module=$1 expression=$2 log=$LOGS/$1.log status
        shift 2
        "$ASM_ERL" -noinput -pa "$ASM_BEAMS" -eval "$expression" "$@" >"$log" 2>&1
        status=$?
        grep -E '^(not )?ok ' "$log"
        if ! grep -qE "^$module: [0-9]+ passed, [0-9]+ failed" "$log"; then
                not_ok "$module ends" "expected a summary line got status $status"
        elif [ $status -ne 0 ]; then
                n_bad=$((n_bad + 1))
        elif ! grep -qE '^ok ' "$log"; then
                # it only counts what it checks
                ok "$(grep -E "^$module: " "$log" | tail -n 1)"
        fi
        return $status
}

# own_processes REGEX: pids of this test's processes whose command line matches
own_processes() {
        local environ pid
        while read -r environ; do
                pid=$(cut -d/ -f3 <<<"$environ")
                (tr '\0' ' ' <"/proc/$pid/cmdline") 2>/dev/null | grep -qE -- "$1" && echo "$pid"
        done < <(grep -lzxF -- "ASM_TEST_ID=$ASM_TEST_ID" /proc/[0-9]*/environ 2>/dev/null)
}

epmd_pids() {
        own_processes '(^|/)epmd '
}

start_epmd() {
        epmd -daemon
        wait_until 5 epmd -names
}

stop_epmd() {
        local pid
        for pid in $(epmd_pids); do kill -KILL "$pid" && wait_until 5 is_gone "$pid"; done
}

end_test() {
        local status=$? index
        trap - EXIT
        for ((index = ${#started_pids[@]} - 1; index >= 0; index--)); do
                kill -TERM "${started_pids[index]}" 2>/dev/null
        done
        for ((index = ${#started_pids[@]} - 1; index >= 0; index--)); do
                # a daemon with runs that do not end is told twice not to wait for them
                wait_until 0 is_gone "${started_pids[index]}" ||
                        kill -TERM "${started_pids[index]}" 2>/dev/null
                wait_until 10 is_gone "${started_pids[index]}" ||
                        kill -KILL "${started_pids[index]}" 2>/dev/null
                wait "${started_pids[index]}" 2>/dev/null
        done
        [ $status -eq 0 ] && [ $n_bad -gt 0 ] && status=1
        exit $status
}
trap end_test EXIT

# One epmd for all: a later OTP need not bring one that runs here.
[ -z "$ASM_OTP" ] || start_epmd
