#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 300
#
# Who may do what, with real BEAM nodes: by name, by address, by cookie, by right, how often, and after
# a reload.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need_asmd "rights of peers"

config=$ASM_TMP/asmd.conf
log=$LOGS/guarded.log
node=guarded@$HOST
boss_cookie=$ASM_TMP/boss.cookie
(umask 077 && printf 'boss-has-his-own' >"$boss_cookie")

# as NODE EXPRESSION [ERL-ARGUMENT]...: what a node of this name says, on one line
as() {
        local name=$1 expression=$2
        shift 2
        timeout 60 "$ASM_ERL" -noinput -hidden -sname "$name" -pa "$ASM_BEAMS" "$@" -eval "
                Value = try $expression catch _:Reason -> Reason end,
                io:format(\"~0tp~n\", [Value]), halt()." 2>&1 | tail -n 1
}

ping() {
        local name=$1
        shift
        as "$name" "net_adm:ping('$node')" "$@"
}

# call FUNCTION ARGUMENTS: an expression that calls it
call() {
        echo "erpc:call('$node', asm, $1, $2, 20000)"
}

reload() {
        local n
        n=$(grep -c 'configuration read again' "$log")
        kill -HUP "$ASMD_PID"
        wait_until read_again $((n + 1))
}

read_again() {
        [ "$(grep -c 'configuration read again' "$log")" -ge "$1" ]
}

cat >"$config" <<CONF
[peer boss@*]
rights = administer;host
cookie_file = $boss_cookie

[peer looker@$HOST]
rights = query

[peer worker@*]
rights = control
address = 127.0.0.0/8;$(hostname -i | cut -d' ' -f1)

[peer host?@*]
rights = host

[peer elsewhere@*]
rights = administer
address = 192.0.2.0/24

[peers]
allow = guest@*
default_rights = none

[host]
enabled = true
CONF
start_asmd guarded --config "$config"

# --- who is a peer --------------------------------------------------------------------------

check_equal "a node that a group names is let in" pong "$(ping looker)"
check_equal "a node that [peers] allows is let in" pong "$(ping guest)"
check_equal "a node that none names is refused" pang "$(ping stranger)"
check_match "and the log says why" "connection was refused: 'stranger@$HOST' is no peer" "$(cat "$log")"
check_equal "a node that is allowed comes from an allowed address" pong "$(ping worker)"
check_equal "a node at a wrong address is refused" pang "$(ping elsewhere)"
check_match "and the log says where it may be" \
        "'elsewhere@$HOST' may not be at [0-9.]+: it is not in address of \[peer elsewhere@\*\]" "$(cat "$log")"
check_equal "who has a cookie of its own is let in with it" pong "$(ping boss -setcookie boss-has-his-own)"
check_equal "and not with the cookie of all others" pang "$(ping boss)"
check_equal "others are not let in with that cookie" pang "$(ping looker -setcookie boss-has-his-own)"
check_equal "no cookie is in the log" 0 "$(grep -cF -e boss-has-his-own -e "$(cat "$COOKIE_FILE")" "$log")"

# --- what it may do -------------------------------------------------------------------------

refused='guardrail_blocked'
session='[[{session_id, <<"one">>}]]'
check_match "boss starts a session" '^\{ok,<' "$(as boss "$(call start_session "$session")" -setcookie boss-has-his-own)"
check_match "looker sees it" '"?one"?' "$(as looker "$(call list_sessions '[]')")"
check_match "looker may not stop it, and hears what it lacks" \
        "stop_session/1 needs the right control, which 'looker@$HOST' has not; the administrator gives it with rights = control" \
        "$(as looker "$(call stop_session '[<<"one">>]')")"
check_match "the log has it too" 'a call was refused: stop_session/1' "$(cat "$log")"
check_match "an option makes a query control" "$refused" "$(as looker "$(call query '[codex, <<"hi">>, []]')")"
check_match "without options it is a query" 'ASM.Result|ASM.Error' \
        "$(as looker "$(call query '[<<"one">>, <<>>]')" | grep -v "$refused")"
check_match "guest may do nothing" "$refused" "$(as guest "$(call status '[]')")"
check_match "the session's process knows rights as well" "$refused" \
        "$(as looker "begin [#{pid := Pid}] = [#{pid => P} || {ok, #{pid := P}} <-
                [$(call session_info '[<<"one">>]')]], gen_server:call(Pid, {cancel_run, <<\"r\">>}) end")"
check_match "an exit signal without the right does nothing" 'healthy' "$(as looker "begin
        {ok, #{pid := Pid}} = $(call session_info '[<<"one">>]'), exit(Pid, kill),
        $(call health '[<<"one">>]') end")"
check_match "a link without the right is refused" 'not_allowed' "$(as looker "begin
        process_flag(trap_exit, true), {ok, #{pid := Pid}} = $(call session_info '[<<"one">>]'), link(Pid),
        receive {'EXIT', Pid, Why} -> Why after 10000 -> nothing end end")"
check_match "sys:suspend needs more than control" 'not_allowed' "$(as worker "sys:suspend({asm, '$node'}, 5000)")"
check_equal "administer suffices" ok "$(as boss "begin sys:suspend({asm, '$node'}, 5000),
        sys:resume({asm, '$node'}, 5000) end" -setcookie boss-has-his-own)"
check_match "hosting needs its right" 'undef' "$(as worker "rpc:call('$node',
        'Elixir.ASM.Remote.Capabilities', handshake, [])")"
check_match "and has it" 'remote_backend_start_v1' "$(as host1 "rpc:call('$node',
        'Elixir.ASM.Remote.Capabilities', handshake, [])")"
check_match "who hosts may do nothing else" "$refused" "$(as host1 "$(call status '[]')")"
check_equal "worker stops the session" ok "$(as worker "$(call stop_session '[<<"one">>]')")"
check_match "asmctl is a node like others: it is refused" 'refused|does not allow|cannot' \
        "$("$ASMCTL" --node "$node" status 2>&1)"

# --- a reload -------------------------------------------------------------------------------

start_beam looker -eval "pong = net_adm:ping('$node')."
cat >"$config" <<CONF
[peer asmctl-*]
rights = query
[peer asmctl-*@*]
rights = query
CONF
kill -HUP "$ASMD_PID"
check "a mistake in the file is told, and what was there stays" wait_until grep -q 'SIGHUP: .*: \[peer asmctl-\*\]: ' "$log"
check_equal "so guest is still a peer" pong "$(ping guest)"
printf '%s\n' '[peer asmctl-*@*]' 'rights = query' >"$config"
reload
check "a link to who is no peer any more is closed" \
        wait_until grep -q "link to 'looker@$HOST' is down: closed here: 'looker@$HOST' is no peer" "$log"
check_equal "guest is refused now" pang "$(ping guest)"
check_match "asmctl is let in" '^uptime|^node|^version' "$("$ASMCTL" --node "$node" status 2>&1)"
"$ASMCTL" --node "$node" start >"$ASM_TMP/start.out" 2>&1
check_equal "and ends with 5 for what it may not" 5 $?
: >"$config"
reload
check_equal "without groups everybody is a peer again" pong "$(ping stranger)"
stop_process "$BEAM_PID"

# --- how often ------------------------------------------------------------------------------

printf '%s\n' '[limits]' 'max_attempts = 3' >"$config"
reload
port=$(as counter "begin {port, P, _} = erl_epmd:port_please(\"guarded\", \"$HOST\"), P end")
answered=$(as counter "begin
        Sockets = [S || _ <- lists:seq(1, 20), {ok, S} <- [gen_tcp:connect(\"$HOST\", $port, [{active, false}])]],
        length([S || S <- Sockets, {error, timeout} =:= gen_tcp:recv(S, 0, 300)]) end")
# the twenty may take longer than a second on a busy machine
check_match "more connections than the limit are closed at once" '^([3-9]|1[0-5])$' "$answered"
check_match "the log says so" 'more than 3 in a second, which is the limit \(max_attempts' "$(cat "$log")"
check "asmd still runs" is_running "$ASMD_PID"
stop_process "$ASMD_PID"
check_equal "and ends with status 0" 0 $?
