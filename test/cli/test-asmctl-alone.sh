#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 180
#
# asmctl run: an agent without a daemon, an epmd, a cookie or a configuration; what is left of it
# however it ends (nothing); the options of a run; and a run on a BEAM node, which needs a cookie.
# shellcheck source=../beam/lib.sh
. "$(dirname "$0")/../beam/lib.sh"
[ -x "$ASMCTL" ] || skip_all "runs without a daemon" "no $ASMCTL: build it with scripts/build"

cd "$ASM_TMP" || exit
export PATH=$ASM_ROOT/priv/providers:$PATH
ulid='[0-9A-HJKMNP-TV-Z]{26}'
# a home without a cookie
alone=$ASM_TMP/alone
mkdir "$alone"

# run ARGUMENT...: sets out, err and status
run() {
        HOME=$alone timeout 30 "$ASMCTL" run "$@" >out 2>err </dev/null
        status=$?
        out=$(cat out)
        err=$(cat err)
}

# begin NAME ARGUMENT...: in the background; its output is in NAME.out and NAME.err
begin() {
        local name=$1
        shift
        rm -f "$ASM_STANDIN_PIDFILE"
        HOME=$alone "$ASMCTL" run "$@" >"$name.out" 2>"$name.err" </dev/null &
        ctl_pid=$!
        started_pids+=("$ctl_pid")
}

said='You asked: hello It has 1 word(s). I am a stand-in without a model.'

# --- a prompt, an answer ------------------------------------------------------------------------

for provider in claude codex; do
        run --provider $provider hello
        check_equal "run with $provider: status" 0 "$status"
        check_equal "run with $provider: the answer" "$said" "$out"
        check_match "run with $provider: the last line" "^run $ulid: .*, [0-9]+ tokens out" "$err"
done
check_equal "the prompt can come on standard input" "$said" "$(echo hello | HOME=$alone "$ASMCTL" run 2>/dev/null)"
check_equal "or be asked for there" "$said" "$(echo hello | HOME=$alone "$ASMCTL" run - 2>/dev/null)"
check "no cookie is made" test ! -e "$alone/.erlang.cookie"
run --json hello
check_equal "--json: the kinds of the lines" "ASM.Event ASM.Result" \
        "$(grep -oE '^.{0,20}"ASM\.(Event|Result)"' <<<"$out" | grep -oE 'ASM\.[A-Za-z]*' | uniq | tr '\n' ' ' | sed 's/ $//')"
check_equal "what it thinks is not shown" "" "$(run hello && grep thinking err)"
run -v hello
check_match "unless -v asks for it" '^thinking: I look at the prompt\.' "$err"
run fail:3
check_equal "a run that fails: status" 1 "$status"
check_match "a run that fails: says why" 'exited with code 3: stand-in: failed as asked$' "$err"
run count:20000
check_equal "a long answer is complete" 20000 "$(grep -o 'event' out | wc -l)"
run approve
check_equal "without a terminal a tool is denied: the agent hears it" "Bash was denied. " "$out"
check_match "and it is said" '^nobody can be asked, so it is denied' "$err"

run --provider codex --permission default approve
check_equal "codex that asks is its app-server, and hears the answer" "The command was denied. " "$out"
run --provider codex approve
check_equal "codex that is not told to ask does not" "This one asks for nothing. " "$out"

# --- options ------------------------------------------------------------------------------------

run --model opus --permission plan --resume 0a1b --set max_turns=3 --set append_system_prompt=short args
check_match "options reach the provider" \
        '--resume 0a1b --model opus --max-turns 3 --append-system-prompt short --permission-mode plan' "$out"
run --set 'append_system_prompt="3"' args
check_match "a value in quotes is text" '--append-system-prompt 3 ' "$out"
run --cwd "$alone" cwd
check_equal "--cwd" "$alone" "$out"
echo '{"type": ' >broken.json
echo '[1]' >list.json
echo '{"type": "object", "properties": {"n": {"type": "integer"}}}' >schema.json
while IFS='|' read -r message arguments; do
        # shellcheck disable=SC2086 # words
        run $arguments
        check_equal "run $arguments: status" 2 "$status"
        check_match "run $arguments: says why" "$message" "$err"
done <<'TEXT'
unknown provider 'nobody'|--provider nobody hello
'nobody' is no node|--remote nobody hello
needs no daemon|--node asmd hello
--set: 'max_turns' is not KEY=VALUE|--set max_turns hello
--set: 'Max=1' is not KEY=VALUE|--set Max=1 hello
max_turns.*0|--set max_turns=0 hello
permission_mode.*sudo|--permission sudo hello
there is no option --session|--session x hello
No such file|--schema missing.json hello
is no JSON: |--schema broken.json hello
is no JSON object|--schema list.json hello
wants FILE|hello --schema
TEXT
run --schema broken.json hello
check_match "a schema that is no JSON: says where" "'broken.json' is no JSON: .*position 1[01]" "$err"
cat >structured <<'TEXT'
#!/bin/sh
echo '{"type":"system","subtype":"init","session_id":"a"}'
echo '{"type":"assistant","message":{"role":"assistant","content":[{"type":"text","text":"thinking aloud"}]}}'
printf '{"type":"result","subtype":"success","is_error":false,"result":"x","session_id":"a","structured_output":%s}\n' "${OBJECT-null}"
TEXT
chmod +x structured
OBJECT='{"n":42}' run --schema schema.json --cli-path ./structured "how many?"
check_equal "--schema prints the object and nothing else" '{"n":42}' "$out"
check_equal "--schema: status" 0 "$status"
run --schema schema.json --cli-path ./structured "how many?"
check_equal "an answer without an object: status" 1 "$status"
check_match "an answer without an object: says so" 'no object' "$err"
check_equal "an answer without an object: prints nothing" "" "$out"
OBJECT='{"n":42}' run --json --schema schema.json --cli-path ./structured "how many?"
check_match "--schema --json has it in the result" '"object":\{"n":42\}' "$(tail -n 1 <<<"$out")"

# --- what is installed --------------------------------------------------------------------------

# ctl ARGUMENT...: sets out and status
ctl() {
        out=$(HOME=$alone timeout 30 "$ASMCTL" "$@" 2>err </dev/null)
        status=$?
}

ctl providers --local
check_equal "providers: status" 0 "$status"
check_equal "providers: all of them" "amp antigravity claude codex cursor" \
        "$(tail -n +2 <<<"$out" | awk '{ printf "%s%s", sep, $1; sep = " " }')"
check_match "providers: version, lanes, program and permissions" \
        "^codex  +codex 0\.0\.0 \(stand-in\)  +core  +$ASM_ROOT/priv/providers/codex  +default, " "$out"
PATH=/usr/bin:/bin ctl providers --local
check_match "providers: what is not there" '^claude  +-  +core  +not installed  ' "$out"
ctl providers --local claude
check_match "one of them: its permission modes" '^plan  +plan  +--permission-mode, plan$' "$out"
check_match "one of them: its options" '^max_turns  +.*--max-turns' "$out"
ctl providers --local nobody
check_equal "one that there is not: status" 2 "$status"
ctl providers --local --json claude
check_equal "--json is one list" "1 claude claude 0.0.0 (stand-in) Claude CLI" "$(python3 -c '
import json, sys
found = json.load(sys.stdin)
print(len(found), found[0]["provider"], found[0]["version"], found[0]["info"]["display_name"])' <<<"$out")"

# --- ends ---------------------------------------------------------------------------------------

# pids_gone: those that the stand-in has left; one that init has yet to reap is gone
pids_gone() {
        local pid
        while read -r pid; do
                is_gone "$pid" || grep -q '^State:.*zombie' "/proc/$pid/status" 2>/dev/null ||
                        is_gone "$pid" || return 1
        done <"$ASM_STANDIN_PIDFILE"
}

for signal in INT TERM HUP; do
        begin "$signal" hang
        check "SIG$signal: a run is on" wait_until grep -q hanging "$signal.out"
        kill -"$signal" "$ctl_pid"
        wait "$ctl_pid"
        check_equal "SIG$signal interrupts it: status" 130 $?
        check_match "SIG$signal: says so" "^asmctl: run $ulid was interrupted$" "$(cat "$signal.err")"
        check "SIG$signal: no process is left when asmctl has ended" pids_gone
done
begin twice 'stubborn hang'
wait_until grep -q hanging twice.out
kill -INT "$ctl_pid"
check "ctrl-C says what a second one does" wait_until grep -q 'once more to kill it' twice.err
kill -INT "$ctl_pid"
wait "$ctl_pid"
check_equal "the second ctrl-C: status" 130 $?
check "the second ctrl-C: no process is left" wait_until 2 pids_gone
begin timeout --timeout 0.5 hang
wait "$ctl_pid"
check_equal "--timeout: status" 124 $?
check "--timeout: no process is left" pids_gone
begin killed hang
wait_until grep -q hanging killed.out
stop_process "$ctl_pid" KILL
check "SIGKILL of asmctl: no process is left" wait_until pids_gone
HOME=$alone "$ASMCTL" run count:5000 2>closed.err | head -c 10 >/dev/null
check_equal "who closes the pipe ends it: status" 141 "${PIPESTATUS[0]}"

# --- on a terminal ------------------------------------------------------------------------------

rm -f keyboard && mkfifo keyboard
HOME=$alone TERM=dumb script -qefc "$(printf '%q ' "$ASMCTL" run approve)" screen <keyboard >/dev/null 2>&1 &
ctl_pid=$!
started_pids+=("$ctl_pid")
exec 5>keyboard
is_shown() {
        [[ $(tr -d '\r' <screen) =~ $1 ]]
}
check "a terminal is asked" wait_until is_shown 'allow\? \[y/n\] '
echo y >&5
wait "$ctl_pid"
check_equal "and y allows it: status" 0 $?
check "the agent hears it" is_shown 'Bash was allowed\. '
exec 5>&-

# --- on a node ----------------------------------------------------------------------------------

run --remote "host@$HOST" --cookie-file missing hello
check_equal "a node needs a cookie: status" 1 "$status"
check_match "a node needs a cookie: says so" 'distribution_not_enabled: .*cookie' "$err"
start_beam_host host
run --remote "host@$HOST" --cookie-file "$COOKIE_FILE" hello
check_equal "a run on a node without a daemon: status" 0 "$status"
check_equal "a run on a node without a daemon: the answer" "$said" "$out"
begin remote --remote "host@$HOST" --cookie-file "$COOKIE_FILE" hang
wait_until grep -q hanging remote.out
kill -INT "$ctl_pid"
wait "$ctl_pid"
check_equal "interrupted: status" 130 $?
check "interrupted: no process is left on the node" wait_until pids_gone
begin remote --remote "host@$HOST" --cookie-file "$COOKIE_FILE" hang
wait_until grep -q hanging remote.out
stop_process "$ctl_pid" KILL
check "SIGKILL: no process is left on the node" wait_until pids_gone
run --remote "nobody@$HOST" --cookie-file "$COOKIE_FILE" hello
check_match "a node that is not there: status" '^[13]$' "$status"
check_match "a node that is not there: says which" "nobody@$HOST" "$err"
