#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 180
#
# asmctl while a run is on: where its bytes go (a pipe, a terminal, a full disk, nobody), and how it
# ends before the run does.
# shellcheck source=../beam/lib.sh
. "$(dirname "$0")/../beam/lib.sh"
need_asmd "runs with asmctl"
[ -x "$ASMCTL" ] || skip_all "runs with asmctl" "no $ASMCTL: build it with scripts/build"

# where the stand-ins leave their files, too
cd "$ASM_TMP" || exit
start_beam_host host
start_asmd asmd
remote=(--provider claude --remote "host@$HOST")

# on_terminal COMMAND...: the command with a terminal of its own; sets screen, without the \r of a
# terminal, and status
on_terminal() {
        screen=$(TERM=${terminal-dumb} script -qefc "$(printf '%q ' "$@")" /dev/null </dev/null)
        status=$?
        screen=${screen//$'\r'/}
}

# begin NAME ARGUMENT...: asmctl in the background; its output is in NAME.out and NAME.err
begin() {
        local name=$1
        shift
        "$ASMCTL" "$@" >"$name.out" 2>"$name.err" </dev/null &
        ctl_pid=$!
        started_pids+=("$ctl_pid")
}

no_runs() {
        "$ASMCTL" status | grep '^runs  *0 running, 0 waiting$' >/dev/null
}

# --- what comes out ---------------------------------------------------------------------------

said='You asked: hello It has 1 word(s). I am a stand-in without a model.'
check_equal "a pipe gets the text and one newline" "$said"$'\n.' \
        "$("$ASMCTL" query "${remote[@]}" hello 2>/dev/null && echo .)"
check_equal "the prompt can come on standard input" "$said" \
        "$(echo hello | "$ASMCTL" query "${remote[@]}" 2>/dev/null)"
check_equal "or be asked for there" "$said" \
        "$(echo hello | "$ASMCTL" query - "${remote[@]}" 2>/dev/null)"
check_equal "a prompt may begin with a dash" "You asked: --help It has 1 word(s). I am a stand-in without a model." \
        "$("$ASMCTL" query "${remote[@]}" -- --help 2>/dev/null)"
check_match "options may stand in front of the command" 'ASM.Result' \
        "$("$ASMCTL" --timeout 20 --json query "${remote[@]}" hello 2>/dev/null | tail -n 1)"
check_match "a failed run ends in a line of JSON, too" '"kind":"[a-z_]+".*"message":".*"' \
        "$("$ASMCTL" --json query "${remote[@]}" fail:3 2>/dev/null | tail -n 1)"
check_equal "stream prints the kinds of the events" \
        "run_started raw thinking assistant_message assistant_message assistant_message result" \
        "$("$ASMCTL" stream "${remote[@]}" hello 2>/dev/null | awk '{ printf "%s%s", sep, $2; sep = " " }')"

terminal=xterm on_terminal "$ASMCTL" query "${remote[@]}" hello
check_match "a terminal shows the text" 'You asked: hello' "$screen"
check_match "and the summary, dim" $'\033\\[2mrun .*tokens out.*\033\\[0m' "$screen"
on_terminal "$ASMCTL" query "${remote[@]}" hello
check_equal "a terminal that can nothing: no escape sequence at all" "" "$(grep $'\033' <<<"$screen")"
on_terminal "$ASMCTL" query "${remote[@]}" "$(printf 'hi \342\200\256 there')"
check_match "what turns the direction of text is shown" 'hi \\u202e there' "$screen"
on_terminal "$ASMCTL" query "${remote[@]}" fail:3
check_equal "an error on a terminal: status" 1 "$status"
on_terminal "$ASMCTL" query "${remote[@]}"
check_equal "no prompt on a terminal is no wait: status" 2 "$status"

"$ASMCTL" stream "${remote[@]}" count:5000 2>closed.err | head -n 1 >/dev/null
check_equal "who closes the pipe ends it: status" 141 "${PIPESTATUS[0]}"
check_equal "without a word" "" "$(cat closed.err)"
check "and the run has ended" wait_until no_runs
"$ASMCTL" query "${remote[@]}" hello >/dev/full 2>full.err
check_equal "a full disk is an error: status" 1 $?
check_match "and says so" 'No space left' "$(cat full.err)"

# --- the end before the end -------------------------------------------------------------------

"$ASMCTL" query --timeout 0.5 "${remote[@]}" hang >timeout.out 2>timeout.err
check_equal "--timeout interrupts a run: status" 124 $?
check_match "and says so" 'longer than 500 ms' "$(cat timeout.err)"
check_equal "what came before is there" hanging "$(cat timeout.out)"
check "and the run has ended" wait_until no_runs

begin other query "${remote[@]}" hang
check "a run is on" wait_until grep -q hanging other.out
read -r session run < <("$ASMCTL" --json sessions | python3 -c '
import json, sys
[session] = json.load(sys.stdin)
print(session["session_id"], session["runs"][0]["run_id"])')
check_match "sessions shows it" "^$session  claude    running  $run " "$("$ASMCTL" sessions)"
check "another client interrupts it" "$ASMCTL" interrupt "$session" "$run"
wait "$ctl_pid"
check_equal "who waited is told: status" 130 $?
"$ASMCTL" interrupt "$session" "$run" 2>again.err
check_equal "a run that has ended cannot be interrupted: status" 4 $?

for signal in INT TERM HUP; do
        begin "$signal" query "${remote[@]}" hang
        wait_until grep -q hanging "$signal.out"
        kill -"$signal" "$ctl_pid"
        wait "$ctl_pid"
        check_equal "SIG$signal interrupts the run: status" 130 $?
        check_match "SIG$signal: says so" '^asmctl: run [0-9A-Z]{26} was interrupted$' "$(cat "$signal.err")"
        check "SIG$signal: the run has ended" wait_until no_runs
done

# a daemon that does not answer at all
begin twice query "${remote[@]}" hang
wait_until grep -q hanging twice.out
kill -STOP "$ASMD_PID"
kill -INT "$ctl_pid"
check "ctrl-C says what a second one does" wait_until grep -q 'once more to leave' twice.err
kill -INT "$ctl_pid"
wait "$ctl_pid"
check_equal "the second ctrl-C leaves: status" 130 $?
check_match "and says how to end what goes on" "may go on; 'asmctl interrupt [0-9A-Z]{26} [0-9A-Z]{26}' ends it" \
        "$(cat twice.err)"
"$ASMCTL" --timeout 0.5 status 2>silent.err
check_match "a daemon that does not answer is no daemon" '^(3|124)$' $?
kill -CONT "$ASMD_PID"
wait_until "$ASMCTL" ping
read -r session run < <(grep -oE "[0-9A-Z]{26} [0-9A-Z]{26}" twice.err | tail -n 1)
"$ASMCTL" interrupt "$session" "$run" 2>/dev/null
check "the run has ended" wait_until no_runs

begin lost query "${remote[@]}" hang
wait_until grep -q hanging lost.out
stop_process "$ASMD_PID" KILL
wait "$ctl_pid"
check_equal "a daemon that dies: status" 3 $?
check_match "a daemon that dies: names the run" 'run [0-9A-Z]{26}' "$(cat lost.err)"

# --- long names -------------------------------------------------------------------------------

"$ASMD" --name long@127.0.0.1 --cookie-file "$COOKIE_FILE" >"$LOGS/long.out" 2>"$LOGS/long.log" &
long_pid=$!
started_pids+=("$long_pid")
wait_until 20 grep -q '^ready ' "$LOGS/long.out"
check_match "a daemon with a long name" '^long@127.0.0.1 answers in ' "$("$ASMCTL" ping long@127.0.0.1 2>&1)"
check_match "the node can come from the environment" '^node  *long@127.0.0.1$' \
        "$(ASMD_NODE=long@127.0.0.1 "$ASMCTL" status)"
stop_process "$long_pid"
