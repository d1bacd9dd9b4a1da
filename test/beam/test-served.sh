#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 420
#
# asmd as the remote node of others: of a BEAM that does what an Elixir ASM node does, and of another
# asmd.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need_asmd "asmd as remote node"

# configure NAME LINE...: NAME.conf with these lines in [host]
configure() {
        local name=$1
        shift
        printf '%s\n' '[host]' "$@" >"$ASM_TMP/$name.conf"
}

providers=$ASM_ROOT/priv/providers
configure open 'enabled = true' 'allow = *'
start_asmd open --config "$ASM_TMP/open.conf"
open_pid=$ASMD_PID
open_node=$ASMD_NODE
erl_test checker served_test main "$open_node" "$providers"
check "asmd still runs" is_running "$open_pid"
stop_process "$open_pid"
check_equal "SIGTERM ends asmd with status 0" 0 $?

# --- who may ---------------------------------------------------------------------------------

configure closed 'enabled = false' 'allow = *'
start_asmd closed --config "$ASM_TMP/closed.conf"
erl_test stranger served_test refused "$ASMD_NODE" "$providers"
check_match "and the log says what would let it in" \
        "'stranger@$HOST' asks to run CLIs here and is refused: enabled in \[host\] is not true" \
        "$(cat "$LOGS/closed.log")"
check_match "status does not speak of hosting" '^0$' \
        "$("$ASMCTL" --node "closed@$HOST" status | grep -c '^host ')"
stop_process "$ASMD_PID"

configure guarded 'enabled = true' "allow = friend@*; other@$HOST"
start_asmd guarded --config "$ASM_TMP/guarded.conf"
erl_test stranger served_test refused "$ASMD_NODE" "$providers"
check_match "the log names who is not allowed" \
        "'stranger@$HOST' asks .* refused: it is not in allow of \[host\]" "$(cat "$LOGS/guarded.log")"
# allowed NAME: what a node of this name hears
allowed() {
        "$ASM_ERL" -noinput -sname "$1" -eval "
                io:format(\"~0p\", [rpc:call('$ASMD_NODE', erlang, function_exported,
                                            ['Elixir.ASM.Remote.BackendStarter', start_core_session, 1])]), halt()."
}
check_equal "who is allowed gets an answer" true "$(allowed friend)"
configure guarded 'enabled = true' "allow = stranger@*"
kill -HUP "$ASMD_PID"
check "SIGHUP reads the list again" wait_until grep -q 'configuration read again' "$LOGS/guarded.log"
check_match "who is not allowed any more is refused" 'undef' "$(allowed friend)"
check_equal "who is allowed now gets an answer" true "$(allowed stranger)"
stop_process "$ASMD_PID"

configure mistaken 'enabled = true'
check_match "a host that nobody may use is a mistake" '\[host\] enabled: needs allow' \
        "$("$ASMD" --sname mistaken --config "$ASM_TMP/mistaken.conf" --cookie-file "$COOKIE_FILE" 2>&1)"

# --- limits, and callers that die -----------------------------------------------------------------

# evaluate EXPRESSION: on a node of its own, which prints the value
evaluate() {
        "$ASM_ERL" -noinput -hidden -sname "eval$RANDOM" -pa "$ASM_BEAMS" \
                -eval "io:format(\"~0tp~n\", [begin $1 end]), halt()." 2>&1
}

# the CLI that hangs (1) or its child (2)
standin() {
        sed -n "${1}p" "$ASM_STANDIN_PIDFILE" 2>/dev/null
}

has_standin() {
        [ -n "$(standin 2)" ] && is_running "$(standin 1)"
}

no_standin() {
        is_gone "$(standin 1)" && is_gone "$(standin 2)"
}

configure few 'enabled = true' 'allow = *' 'max_sessions = 3' 'headless_timeout_ms = 400' 'otp_release = 99'
start_asmd few --config "$ASM_TMP/few.conf"
few_pid=$ASMD_PID
check_match "one session too many is refused, and says where the limit is" \
        "'few@$HOST' runs 3 CLIs for other nodes, which is its limit \(max_sessions" \
        "$(evaluate "served_test:full('few@$HOST', 3)")"
check_match "a configured release is told" '<<"99">>' "$(evaluate "maps:get(otp_release,
        erpc:call('few@$HOST', 'Elixir.ASM.Remote.Capabilities', handshake, []))")"
for link in false true; do
        rm -f "$ASM_STANDIN_PIDFILE"
        start_beam holder -eval "ok = served_test:hold('few@$HOST', $link)."
        check "a CLI runs (link: $link)" wait_until has_standin
        check_match "status shows for whom (link: $link)" "^host +1 of 3 sessions: 1 for holder@$HOST$" \
                "$("$ASMCTL" --node "few@$HOST" status)"
        stop_process "$BEAM_PID" KILL
        check "a killed caller leaves no CLI (link: $link)" wait_until no_standin
done
rm -f "$ASM_STANDIN_PIDFILE"
start_beam holder -eval "ok = served_test:hold('few@$HOST', false)."
check "a CLI runs again" wait_until has_standin
stop_process "$few_pid" KILL
check "a killed host leaves no CLI" wait_until no_standin
stop_process "$BEAM_PID"

# --- from one asmd to another ---------------------------------------------------------------------

PATH=$providers:$PATH start_asmd far --config "$ASM_TMP/open.conf"
far_pid=$ASMD_PID
start_asmd near
near_pid=$ASMD_PID
far() {
        timeout 60 "$ASMCTL" --node "near@$HOST" "$@" --remote "far@$HOST" </dev/null 2>&1
}
answer='You asked: hello It has 1 word(s). I am a stand-in without a model.'
check_equal "asmctl gets an answer from a CLI at another asmd" "$answer" \
        "$(far query --provider codex hello | tr -d '\n' | grep -oF "$answer")"
check_match "a CLI that is not there is told as such" "Amp CLI not found: no 'amp' in PATH" \
        "$(far query --provider amp hello)"
examined=$(timeout 60 "$ASMCTL" --node "near@$HOST" doctor "far@$HOST" --provider codex --cwd "$ASM_TMP" 2>&1)
check_equal "doctor finds a host that is ready" 0 $?
check_match "and says what it cannot know" '^- +cli_version +the node is an asmd' "$examined"
check_match "a run there can be approved" 'Bash was allowed' "$(evaluate "
        {ok, S} = erpc:call('near@$HOST', asm, start_session, [[{provider, claude},
                            {execution_mode, remote_node}, {remote_node, 'far@$HOST'}]]),
        {ok, R} = erpc:call('near@$HOST', asm, stream, [S, <<\"approve\">>, [{subscriber, self()}]]),
        Id = (fun Wait() -> receive
                  {asm_run_event, R, #{kind := approval_requested, payload := #{approval_id := I}}} -> I;
                  _ -> Wait() end end)(),
        ok = erpc:call('near@$HOST', asm, approve, [S, Id, allow]),
        (fun Wait() -> receive
                  {asm_run_event, R, #{kind := assistant_message, payload := #{content := C}}} -> C;
                  {asm_run_done, R} -> done; _ -> Wait() end end)()")"

# hold NAME: a run that hangs there, with asmctl waiting for its end
hold() {
        rm -f "$ASM_STANDIN_PIDFILE"
        far query --provider codex hang >"$ASM_TMP/$1.out" &
        ctl_pid=$!
        check "a run at the other asmd ($1)" wait_until has_standin
}

hold near
stop_process "$near_pid" KILL
check "a killed asmd leaves no CLI at the other" wait_until no_standin
wait "$ctl_pid"
start_asmd near
near_pid=$ASMD_PID
hold far
stop_process "$far_pid" KILL
check "a killed host's CLI is gone" wait_until no_standin
wait "$ctl_pid"
check_match "and the run says what has happened" 'transport_error.*noconnection|noconnection' \
        "$(cat "$ASM_TMP/far.out")"
check "the other asmd still runs" is_running "$near_pid"
stop_process "$near_pid"

# --- the end of a host ----------------------------------------------------------------------------

configure brief 'enabled = true' 'allow = *'
printf '%s\n' '[node]' 'shutdown_grace_ms = 60000' >>"$ASM_TMP/brief.conf"
start_asmd brief --config "$ASM_TMP/brief.conf"
rm -f "$ASM_STANDIN_PIDFILE"
start_beam holder -eval "ok = served_test:hold('brief@$HOST', false)."
check "a CLI runs at a host that is to end" wait_until has_standin
kill -TERM "$ASMD_PID"
check "it lets CLIs of others finish" wait_until grep -q 'stopping: 1 runs have 60' "$LOGS/brief.log"
check_match "and starts no new ones" "is shutting down and starts nothing new" \
        "$(evaluate "erpc:call('brief@$HOST', 'Elixir.ASM.Remote.BackendStarter', start_core_session,
                               [[{provider, codex}, {prompt, <<\"hello\">>}]])")"
kill -TERM "$ASMD_PID"
check "a second signal ends them" wait_until no_standin
wait "$ASMD_PID"
check_equal "and the host with status 0" 0 $?
stop_process "$BEAM_PID"

# --- Elixir ---------------------------------------------------------------------------------------

if ! command -v elixir >/dev/null || [ -n "$ASM_OTP" ]; then
        ok "the calls of an Elixir node # SKIP elixir is not installed: scripts/install-deps test"
        exit
fi
PATH=$providers:$PATH start_asmd elixired --config "$ASM_TMP/open.conf"
timeout 60 elixir --sname caller --cookie "$(cat "$COOKIE_FILE")" "$ASM_ROOT/test/beam/served_test.exs" \
        "$ASMD_NODE" "$providers" >"$LOGS/elixir.log" 2>&1
check_equal "the Elixir script ends well" 0 $?
grep -E '^(not )?ok ' "$LOGS/elixir.log"
stop_process "$ASMD_PID"
