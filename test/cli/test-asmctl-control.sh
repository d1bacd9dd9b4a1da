#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 180
#
# asmctl for taking part in runs: permissions for tools, from another terminal and asked for on this
# one, going on with a conversation, and what a run would need (lane, node).
# shellcheck source=../beam/lib.sh
. "$(dirname "$0")/../beam/lib.sh"
need_asmd "control with asmctl"
[ -x "$ASMCTL" ] || skip_all "control with asmctl" "no $ASMCTL: build it with scripts/build"

cd "$ASM_TMP" || exit
start_beam_host host
start_asmd asmd
remote=(--provider claude --remote "host@$HOST")
ulid='[0-9A-HJKMNP-TV-Z]{26}'

# ctl ARGUMENT...: sets out, err and status
ctl() {
        timeout 30 "$ASMCTL" "$@" >out 2>err </dev/null
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

# on_terminal NAME ARGUMENT...: asmctl in the background with a terminal of its own, whose keyboard
# is file descriptor 5 and whose screen is NAME.screen
on_terminal() {
        local name=$1
        shift
        rm -f keyboard && mkfifo keyboard
        TERM=dumb script -qefc "$(printf '%q ' "$ASMCTL" "$@")" "$name.screen" \
                <keyboard >/dev/null 2>&1 &
        ctl_pid=$!
        started_pids+=("$ctl_pid")
        exec 5>keyboard
}

# is_shown NAME REGEX [TIMES]
is_shown() {
        [ "$(tr -d '\r' <"$1.screen" | grep -cE -- "$2")" -ge "${3:-1}" ]
}

no_runs() {
        "$ASMCTL" status | grep '^runs  *0 running, 0 waiting$' >/dev/null
}

# --- from another terminal --------------------------------------------------------------------

session=$("$ASMCTL" start "${remote[@]}")
ctl approvals "$session"
check_equal "nothing waits: only the headings" "APPROVAL  RUN  TOOL  INPUT" "$out"
ctl --json approvals "$session"
check_equal "nothing waits, as JSON" '[]' "$out"

begin allowed query --session "$session" approve
check "without a terminal the command that answers is told" \
        wait_until grep -qE "^allow it with: asmctl approve $session req-[0-9-]+ \(or deny\)$" allowed.err
id=$(sed -n 's/^allow it with: asmctl approve [^ ]* \([^ ]*\) .*/\1/p' allowed.err)
ctl approvals "$session"
check_match "approvals lists it" "^$id  $ulid  Bash  \{\"command\":\"touch $id\"\}$" "$out"
check_equal "and nothing else" 2 "$(wc -l <<<"$out")"
ctl approvals --json "$session"
check_equal "approvals --json has it whole" "$id Bash touch $id" "$(python3 -c '
import json, sys
[approval] = json.load(sys.stdin)
assert approval["run_id"] and approval["requested_at"].endswith("Z")
print(approval["approval_id"], approval["subject"], approval["details"]["tool_input"]["command"])' <<<"$out")"
ctl approve "$session" "$id-other"
check_equal "an approval that nobody asked for: status" 4 "$status"
check_match "an approval that nobody asked for: says so" "$id-other" "$err"
ctl approve "$session" "$id"
check_equal "approve: status" 0 "$status"
check_equal "approve: says nothing" "" "$out$err"
wait "$ctl_pid"
check_equal "the run goes on: status" 0 $?
check_equal "the provider has been told" "Bash was allowed. " "$(cat allowed.out)"
check_match "the decision is shown" "^approval: allow $id" "$(cat allowed.err)"
ctl approve "$session" "$id"
check_equal "a second answer comes too late: status" 4 "$status"

begin denied stream --session "$session" approve
wait_until grep -q '^allow it with: ' denied.err
id=$(sed -n 's/^allow it with: asmctl approve [^ ]* \([^ ]*\) .*/\1/p' denied.err)
ctl deny "$session" "$id"
check_equal "deny: status" 0 "$status"
wait "$ctl_pid"
check_match "stream shows that it was asked for" "approval_requested +$id Bash " "$(cat denied.out)"
check_match "and denied" "approval_resolved +$id deny" "$(cat denied.out)"
check_match "and what came of it" 'assistant_message +Bash was denied' "$(cat denied.out)"

begin named --node asmd query --session "$session" approve
check "a daemon that was named is named in the command" \
        wait_until grep -q '^allow it with: asmctl --node asmd approve ' named.err
kill -INT "$ctl_pid"
wait "$ctl_pid"
check_equal "ctrl-C ends a run that waits: status" 130 $?
ctl approvals "$session"
check_equal "and nothing waits any more" 1 "$(wc -l <<<"$out")"
ctl approvals no-such-session
check_equal "approvals of a session that is not there: status" 4 "$status"

# --- on this terminal -------------------------------------------------------------------------

on_terminal yes query "${remote[@]}" approve
check "the tool and its input are shown" wait_until is_shown yes '^  \$ touch req-'
check "and it asks" wait_until is_shown yes '^allow\? \[y/n\] '
echo perhaps >&5
check "what is neither yes nor no is asked again" wait_until is_shown yes '^allow\? \[y/n\] ' 2
echo y >&5
wait "$ctl_pid"
check_equal "y allows it: status" 0 $?
check "and the provider hears it" is_shown yes '^Bash was allowed. $'
exec 5>&-

on_terminal no stream "${remote[@]}" 'approve approve'
wait_until is_shown no '^allow\? \[y/n\] '
echo no >&5
check "a second question comes after the first" wait_until is_shown no '^allow\? \[y/n\] ' 2
echo YES >&5
wait "$ctl_pid"
check_equal "answers in words: status" 0 $?
check "the first answer counts for the first" is_shown no 'assistant_message .*Bash was denied'
check "the second for the second" is_shown no 'assistant_message .*Bash was allowed'
exec 5>&-

on_terminal early query "${remote[@]}" 'sleep:1 env:HOME approve'
echo y >&5
check "what was typed before the question" wait_until is_shown early '^allow\? \[y/n\] '
ctl sessions
early=$(grep -oE "^$ulid  claude +running" <<<"$out" | cut -c1-26)
ctl approvals "$early"
check_equal "is no answer to it" 2 "$(wc -l <<<"$out")"
ctl deny "$early" "$(tail -n 1 <<<"$out" | cut -d' ' -f1)"
check_equal "another client may answer" 0 "$status"
wait "$ctl_pid"
check_equal "then it goes on: status" 0 $?
check "with that answer" is_shown early '^Bash was denied. $'
exec 5>&-

on_terminal over query "${remote[@]}" approve
wait_until is_shown over '^allow\? \[y/n\] '
printf '\004' >&5
check "at the end of input the command is told" wait_until is_shown over '^allow it with: asmctl approve '
read -r _ _ _ _ _ over id _ < <(tr -d '\r' <over.screen | grep '^allow it with')
ctl approve "$over" "$id"
wait "$ctl_pid"
check_equal "which works: status" 0 $?
check "and the run has been answered" is_shown over '^Bash was allowed. $'
exec 5>&-

on_terminal here query --cli-path "$ASM_ROOT/priv/providers/claude" approve
wait_until is_shown here '^allow\? \[y/n\] '
echo y >&5
wait "$ctl_pid"
check_equal "a run on the daemon's host asks, too: status" 0 $?
check "and its provider hears it" is_shown here '^Bash was allowed. $'
exec 5>&-

on_terminal left query "${remote[@]}" approve
wait_until is_shown left '^allow\? \[y/n\] '
printf '\003' >&5
wait "$ctl_pid"
check_equal "ctrl-C at the question ends the run: status" 130 $?
check "no run is left" wait_until no_runs
exec 5>&-

# --- going on ---------------------------------------------------------------------------------

fresh=$("$ASMCTL" start "${remote[@]}")
ctl resume --session "$fresh" hello
check_equal "nothing to resume: status" 2 "$status"
check_match "nothing to resume: says why" 'checkpoint' "$err"
ctl resume hello
check_equal "resume wants a session: status" 2 "$status"
ctl resume --session no-such-session hello
check_equal "resume in a session that is not there: status" 4 "$status"

ctl query --session "$fresh" hello
ctl resume --session "$fresh" args
check_equal "resume: status" 0 "$status"
check_match "the provider is told which conversation" '(--resume|-r) [0-9a-f]{8}-[0-9a-f-]{27}' "$out"
check_match "the summary is that of a query" "^run $ulid: .*, [0-9]+ tokens in, [0-9]+ tokens out" "$err"
ctl resume --session "$fresh" --model resumed-model --cwd /tmp args
check_match "an option of the run is the run's" '--model resumed-model' "$out"
check_match "and the conversation the session's" '(--resume|-r) [0-9a-f]{8}-[0-9a-f-]{27}' "$out"
ctl resume --session "$fresh" args
check_equal "which the next run does not have" "" "$(grep -e --model <<<"$out")"
ctl resume --session "$fresh" --provider codex args
check_equal "another provider cannot go on: status" 2 "$status"
ctl --json resume --session "$fresh" hello
check_match "resume --json ends in the result" '"__struct__":"ASM.Result"' "$(tail -n 1 <<<"$out")"
resumed=$(tail -n 1 <<<"$out")
ctl --json query --session "$fresh" hello
check_equal "which is made of the events as a query's" "same" "$(printf '%s\n' "$resumed" "$(tail -n 1 <<<"$out")" | python3 -c '
import json, re, sys
id = re.compile("[0-9a-f]{8}-[0-9a-f-]{27}")
one, two = [json.loads(id.sub("ID", line)) for line in sys.stdin]
for result in one, two:
    del result["run_id"], result["duration_ms"]
print("same" if one == two else [(key, one[key], two.get(key)) for key in one if one[key] != two.get(key)])')"
ctl resume --session "$fresh" fail:3
check_equal "a resumed run that fails: status" 1 "$status"
check_match "a resumed run that fails: says why" "^run $ulid: failed after .*" "$err"
ctl --timeout 0.5 resume --session "$fresh" hang
check_equal "a resumed run that takes too long: status" 124 "$status"
begin stopped resume --session "$fresh" hang
wait_until grep -q hanging stopped.out
ctl stop "$fresh"
wait "$ctl_pid"
check_match "its session is stopped: it ends, and not well" '^(1|130)$' $?
on_terminal resumed resume --session "$session" approve
wait_until is_shown resumed '^allow\? \[y/n\] '
echo y >&5
wait "$ctl_pid"
check_equal "a resumed run asks, too: status" 0 $?
exec 5>&-

# --- what a run would use ---------------------------------------------------------------------

ctl resolve claude
check_equal "resolve: status" 0 "$status"
check_match "resolve: the lane" '^lane +core$' "$out"
check_match "resolve: and why" '^because +sdk_unavailable$' "$out"
check_match "resolve: lists in one line" '^capabilities +approval, cost, ' "$out"
ctl resolve --lane core --remote codex
check_match "resolve --remote" '^mode +remote_node$' "$out"
check_match "resolve --lane" '^because +explicit_core$' "$out"
ctl resolve --lane sdk --remote claude
check_equal "a lane that cannot be: status" 2 "$status"
check_match "a lane that cannot be: says why" 'sdk' "$err"
ctl resolve --json claude
check_match "resolve --json" '^\{.*"lane":"core".*\}$' "$out"
ctl resolve nobody
check_equal "resolve of a provider that is not there: status" 2 "$status"

ctl doctor "host@$HOST" --provider claude --cwd "$ASM_TMP"
check_equal "doctor of a node that is well: status" 0 "$status"
check_equal "doctor of a node that is well: nothing else" "" "$err"
check_match "doctor: one line per check" '^ok      [a-z_]+ ' "$out"
check_equal "doctor: nothing failed" "" "$(grep -E '^(FAILED| +->|\?)' <<<"$out")"
ctl doctor "host@$HOST" --provider claude --cwd /proc/no-such-directory
check_equal "doctor of a directory that is not there: status" 1 "$status"
check_match "doctor: the check that failed" '^FAILED  ' "$out"
check_match "doctor: and what to do" '^        -> ' "$out"
check_match "doctor: how many" '^asmctl: 1 of [0-9]+ checks failed$' "$err"
ctl doctor "nobody@$HOST"
check_equal "doctor of a node that is not there: status" 1 "$status"
check_match "doctor: the rest is skipped" '^-       ' "$out"
ctl doctor --json "nobody@$HOST"
check_equal "doctor --json: status" 1 "$status"
check_match "doctor --json: one value" '^\[.*"status":"failed".*\]$' "$out"
ctl doctor nobody
check_equal "doctor of what is no node: status" 2 "$status"

stop_process "$ASMD_PID"
check_equal "SIGTERM ends asmd with status 0" 0 $?
