#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 180
#
# Runs that somebody else has started: attach, logs and top, with pipes and in a real terminal (tmux);
# and an agent whose every line is written here, when it is time for it.
# shellcheck source=../beam/lib.sh
. "$(dirname "$0")/../beam/lib.sh"
need_asmd "watching with asmctl"
[ -x "$ASMCTL" ] || skip_all "watching with asmctl" "no $ASMCTL: build it with scripts/build"

cd "$ASM_TMP" || exit
export LC_ALL=C.UTF-8
unset NO_COLOR
start_asmd asmd
ulid='[0-9A-HJKMNP-TV-Z]{26}'

# ctl ARGUMENT...: sets out, err and status
ctl() {
        timeout 60 "$ASMCTL" --timeout 30 "$@" >out 2>err </dev/null
        status=$?
        out=$(cat out)
        err=$(cat err)
}

# begin NAME ARGUMENT...: asmctl in the background; its output is in NAME.out and NAME.err
begin() {
        local name=$1
        shift
        "$ASMCTL" "$@" >"$name.out" 2>"$name.err" </dev/null &
        ctl_pid=$!
        started_pids+=("$ctl_pid")
}

printf '#!/bin/sh\nexec cat %q\n' "$ASM_TMP/feed" >agent
chmod +x agent
# begin_run NAME: a run whose agent says what say writes; sets run
begin_run() {
        rm -f feed
        mkfifo feed
        begin "$1" query --session watched "$1"
        exec 6<>feed
        wait_until known_running
        run=$("$ASMCTL" --json logs | python3 -c '
import json, sys
print([run["run_id"] for run in json.load(sys.stdin) if run["status"] == "running"][0])')
}

known_running() {
        "$ASMCTL" logs | grep -E "^$ulid  watched  claude +running" >/dev/null
}

say() {
        printf '%s\n' "$1" >&6
}

text() {
        say '{"type":"assistant","message":{"role":"assistant","content":[{"type":"text","text":"'"$1"'"}]}}'
}

tool() {
        say '{"type":"assistant","message":{"role":"assistant","content":[{"type":"tool_use","id":"'"$1"'","name":"'"$2"'","input":'"$3"'}]}}'
}

result() {
        say '{"type":"user","message":{"role":"user","content":[{"type":"tool_result","tool_use_id":"'"$1"'","content":"'"$2"'","is_error":'"$3"'}]}}'
}

finish() {
        say '{"type":"result","subtype":"success","is_error":false,"duration_ms":12,"result":"x","session_id":"a","total_cost_usd":0.5,"usage":{"input_tokens":10,"output_tokens":9}}'
        exec 6>&-
}

"$ASMCTL" start --provider claude --session-id watched --cli-path "$ASM_TMP/agent" >/dev/null

# --- with pipes -----------------------------------------------------------------------------------

ctl logs
check_equal "no run yet: only the headings" "RUN  SESSION  PROVIDER  STATUS  BEGAN  EVENTS  TIME" "$out"
begin_run first
text 'One.\n'
begin early attach "$run"
early=$ctl_pid
begin json --json attach "$run"
json=$ctl_pid
check "attach: what has been comes first" wait_until grep -q '^One\.$' early.out
check "attach --json: it has been, too" wait_until grep -q 'One\.' json.out
begin now attach --now "${run:0:20}"
now=$ctl_pid
ctl logs "$run"
check_equal "logs of a run that goes on: what it has said" 'One.' "$out"
check_equal "logs of a run that goes on: status" 0 "$status"
check_match "logs of a run that goes on: says so" "^run $run: goes on since .*; 'asmctl attach $run' follows it$" "$err"
begin left attach "$run"
check "another one sees it as well" wait_until grep -q '^One\.$' left.out
kill -INT "$ctl_pid"
wait "$ctl_pid"
check_equal "ctrl-C leaves: status" 130 $?
check_match "ctrl-C leaves: says how to end the run" "left run $run, which goes on; 'asmctl interrupt watched $run' ends it" "$(cat left.err)"
tool t1 Bash '{"command":"make test"}'
result t1 'no rule' true
# nothing shows from outside when it has begun to listen
hears() {
        text 'Two.\n'
        grep '^Two\.$' now.out >/dev/null
}
check "attach --now: what comes" wait_until hears
finish
wait "$early"
check_equal "attach ends with the run: status" 0 $?
wait "$now" "$json"
check_equal "attach: all of the text, as query prints it" "$(cat first.out)" "$(cat early.out)"
check_equal "attach: what happened, as query tells it" "$(cat first.err)" "$(cat early.err)"
check_equal "attach --now: only what came" 'Two.' "$(sort -u now.out)"
check_equal "attach --json: each event once, in order, then the result" "ok ASM.Result" "$(python3 -c '
import json
lines = [json.loads(line) for line in open("json.out")]
numbers = [line["sequence"] for line in lines[:-1]]
print("ok" if numbers == sorted(set(numbers)) and numbers[0] == 1 else numbers, lines[-1]["__struct__"])')"
ctl logs "$run"
check_equal "logs: the text, as query prints it" "$(cat first.out)" "$out"
check_equal "logs: what happened, as query tells it" "$(cat first.err)" "$err"
check_equal "logs: no escape sequence in a pipe" 0 "$(cat out err | grep -c $'\033')"
ctl --json logs "$run"
check_equal "logs --json: as attach --json" "$(cat json.out)" "$out"
ctl attach "$run"
check_equal "attach to a run that has ended: what it said" "$(cat first.out)" "$out"
check_equal "attach to a run that has ended: status" 0 "$status"
ctl logs
check_match "logs lists it" "^$run  watched  claude +completed  [0-9:-]+ +[0-9]+ +[0-9.]+ m?s$" "$out"
ctl logs --session nobody
check_equal "logs of another session: none" 1 "$(wc -l <<<"$out")"

first=$run
begin_run second
wait_until sh -c "'$ASMCTL' --json logs '$run' | grep -q run_started"
"$ASMCTL" interrupt watched "$run"
exec 6>&-
wait_until sh -c "'$ASMCTL' logs | grep -q interrupted"
ctl attach "$run"
check_equal "attach to a run that was interrupted: status" 130 "$status"
ctl logs "$run"
check_equal "its log is shown all the same: status" 0 "$status"
check_match "with how it ended" 'user_cancelled' "$err"
begin_run third
finish
wait_until sh -c "! '$ASMCTL' logs | grep -q running"
"$ASMCTL" stop watched
ctl logs "$first"
check_equal "a run is printed when its session has ended" "$(cat first.out)" "$out"
ctl logs "${first:0:2}"
check_equal "the beginning of several runs: status" 2 "$status"
check_match "the beginning of several runs: names them" "'${first:0:2}' is the beginning of 3 runs: .*$first" "$err"
ctl logs nothing
check_equal "a run that was never there: status" 4 "$status"
check_match "a run that was never there: says so" 'there has been no run nothing here' "$err"
ctl attach nothing
check_equal "attach to it: status" 4 "$status"
ctl logs --session x "$first"
check_equal "a run and a session: status" 2 "$status"

ctl top
check_match "top in a pipe is one frame" "^node      $ASMD_NODE [0-9.a-z-]+, up " "$out"
check_match "with runs" '^runs      0 running, 0 waiting, 3 ended$' "$out"
check_match "and events" '^events    [0-9]+, [0-9.]+/s since the start$' "$out"
check_equal "and no escape sequence" 0 "$(cat out err | grep -c $'\033')"
ctl --json top
check_equal "top --json" "3 []" "$(python3 -c '
import json, sys
top = json.load(sys.stdin)
print(top["status"]["ended"], top["runs"])' <<<"$out")"

# --- in a terminal --------------------------------------------------------------------------------

if ! command -v tmux >/dev/null; then
        echo "ok - in a terminal # SKIP no tmux: scripts/install-deps test"
        exit
fi
export TMUX_TMPDIR=$ASM_TMP
unset TMUX
screen() {
        tmux -L asm -u "$@"
}
screen -f /dev/null new-session -d -x 70 -y 24 "PS1='> ' bash --norc --noprofile" || exit
started_pids+=("$(screen display-message -p '#{pid}')")
shows() {
        screen capture-pane -p | grep -E -- "$1" >/dev/null
}
lacks() {
        ! shows "$1"
}
# types WORD...: clears the screen and types
types() {
        screen send-keys "clear; $*; echo status \$?" Enter
}
spin='[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]'

"$ASMCTL" start --provider claude --session-id watched --cli-path "$ASM_TMP/agent" >/dev/null
begin_run shown
text '漢字漢字.'
tool t1 Read '{"file_path":"src/main.c"}'
result t1 'int main' false
tool t2 Bash '{"command":"make 漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字"}'
types "$ASMCTL" attach "$run"
check "attach: what has ended has its mark" wait_until shows '^✓ Read src/main.c  [0-9.]+ m?s$'
check "attach: what goes on moves" wait_until shows "^$spin Bash make 漢字.*…  [0-9.]+ m?s$"
check "attach: the text is there" shows '^漢字漢字\.$'
screen resize-window -x 40 -y 24
check "attach: it fits a narrower window" wait_until shows "^$spin Bash make 漢字(漢|字){0,14}…  [0-9.]+ m?s$"
screen resize-window -x 70 -y 24
screen send-keys C-c
check "attach: ctrl-C leaves" wait_until shows '^status 130$'
check "attach: and says that the run goes on" shows "^asmctl: left run $run, which goes on"
check "attach: nothing moves any more" lacks "$spin"
types "$ASMCTL" logs "$run"
check "logs: what has ended" wait_until shows '^✓ Read src/main.c  [0-9.]+ m?s$'
check "logs: nothing moves" lacks "$spin"
wait_until shows '^status 0$'
types NO_COLOR=1 "$ASMCTL" logs "$run"
wait_until shows '^status 0$'
check_equal "logs: NO_COLOR" 0 "$(screen capture-pane -pe | grep -cE $'\033\\[[0-9;]*[1-9]m')"
say '{"type":"control_request","request_id":"r1","request":{"subtype":"can_use_tool","tool_name":"Bash","input":{"command":"rm x"}}}'
wait_until sh -c "'$ASMCTL' approvals watched | grep -q r1"
types "$ASMCTL" attach "$run"
check "attach: a question that is open is asked" wait_until shows '^allow\? \[y/n\]$'
screen send-keys n Enter
check "attach: and answered" wait_until shows '^approval: deny r1'
finish
check "attach: the end is that of query" wait_until shows "^run $run: 12 ms, 10 tokens in, 9 tokens out, "
check "attach: status" wait_until shows '^status 0$'
types "$ASMCTL" attach "$run"
check "attach later: the end once more" wait_until shows '^status 0$'
check "attach later: nobody is asked again" lacks '^allow\?'

begin_run topped
types "$ASMCTL" top --interval 0.2
check "top: the daemon" wait_until shows "^node      $ASMD_NODE "
check "top: a rate" wait_until shows '^events    [0-9]+, [0-9.]+/s$'
check "top: the run" wait_until shows "^$run  watched  claude +running "
check "top: says how it is left" shows '^q quits$'
screen resize-window -x 30 -y 8
check "top: lines are cut at the edge of a small window" wait_until shows '^q quits, [0-9]+ lines more$'
check "top: nothing wraps" lacks 'running  '
screen resize-window -x 70 -y 24
check "top: and come back" wait_until shows "^$run  watched "
finish
check "top: the run has ended" wait_until lacks "^$run"
screen send-keys q
check "top: q quits" wait_until shows '^status 0$'
check "top: the screen is as it was" lacks '^node  '
types "$ASMCTL" top
wait_until shows '^q quits$'
screen send-keys C-c
check "top: ctrl-C quits" wait_until shows '^status 0$'
screen send-keys 'clear; echo ech''oed' Enter
check "top: the keyboard is as it was" wait_until shows '^echoed$'
