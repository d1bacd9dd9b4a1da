#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 180
#
# TLS distribution with real nodes: connections in both directions, runs over them, and who is turned away:
# nodes without TLS and with certificates that are missing, foreign or expired.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need_asmd "TLS distribution"
"$ASM_ERL" -noinput -eval '{ok, _} = application:ensure_all_started(ssl), halt().' >/dev/null 2>&1 ||
        skip_all "TLS distribution" "this Erlang has no ssl: install erlang-ssl"

cd "$ASM_TMP" || exit
make_ca=$ASM_ROOT/scripts/make-test-ca
"$make_ca" ca "$HOST"
"$make_ca" foreign "$HOST"
cp -r ca expired
"$make_ca" --days -1 expired "$HOST"
cp -r ca elsewhere
"$make_ca" elsewhere elsewhere.example

# configured DIR CERTIFICATE [LINE]...: asmd.conf with certificates of DIR
configured() {
        local dir=$1 name=$2
        shift 2
        printf '%s\n' '[tls]' "certificate = $dir/$name.pem" "private_key = $dir/$name.key" \
                "authorities = ca/ca.pem" "$@" >"$ASM_TMP/asmd.conf"
}

tls_options() {
        sed -e "s,/expired/ca.pem,/ca/ca.pem," -e "s,/foreign/ca.pem,/ca/ca.pem," "$1/$HOST.config" >"$1.options"
        echo -proto_dist inet_tls -ssl_dist_optfile "$ASM_TMP/$1.options"
}

# on_node EXPRESSION [ERL-ARGUMENT]...: on a hidden node of its own, which prints the value
on_node() {
        local expression=$1
        shift
        "$ASM_ERL" -noinput -hidden -sname "eval$RANDOM" -pa "$ASM_BEAMS" "$@" \
                -eval "io:format(\"~0p~n\", [begin $expression end]), halt()." 2>/dev/null
}

# has_logged TEXT
has_logged() {
        grep -qF -- "$1" "$LOGS/asmd.log"
}

ping="net_adm:ping('asmd@$HOST')"
read -ra tls <<<"$(tls_options ca)"

# --- both directions ----------------------------------------------------------------------------

configured ca "$HOST"
start_beam host "${tls[@]}" -eval 'ok = fake_host:start().'
start_asmd asmd --config asmd.conf
check_equal "a node with TLS connects" pong "$(on_node "$ping" "${tls[@]}")"
check_equal "calls go through" ok "$(on_node "element(1, erpc:call('asmd@$HOST', asm, status, []))" "${tls[@]}")"
run="{ok, S} = erpc:call('asmd@$HOST', asm, start_session, [[{provider, codex}]]),
     {ok, R} = erpc:call('asmd@$HOST', asm, query, [S, <<\"events 3000\">>,
               [{execution_mode, remote_node}, {remote_node, 'host@$HOST'}]]), byte_size(maps:get(text, R)) > 10000"
check_equal "asmd connects to a node with TLS and runs a prompt there" true "$(on_node "$run" "${tls[@]}")"
big="{ok, _} = erpc:call('asmd@$HOST', asm, start_session, [[{provider, codex}, {session_id, <<\"big\">>},
          {append_system_prompt, binary:copy(<<\"x\">>, 5000000)}]]),
     {ok, I} = erpc:call('asmd@$HOST', asm, session_info, [<<\"big\">>]), byte_size(term_to_binary(I)) > 5000000"
check_equal "five megabytes go there and back" true "$(on_node "$big" "${tls[@]}")"
check "asmctl takes certificates from the configuration" "$ASMCTL" --config asmd.conf --node "asmd@$HOST" ping

# --- who is turned away -------------------------------------------------------------------------

check_equal "a node without TLS is refused" pang "$(on_node "$ping")"
check "the log has a line" wait_until has_logged 'TLS handshake: '
check_match "which says why" 'not speak TLS|without TLS' "$(cat "$LOGS/asmd.log")"
if plain=$("$ASMCTL" --node "asmd@$HOST" ping 2>&1); then not_ok "asmctl without certificates fails" "$plain"; else ok "asmctl without certificates fails"; fi
for kind in foreign expired; do
        read -ra other <<<"$(tls_options $kind)"
        check_equal "a node with a certificate that is $kind is refused" pang "$(on_node "$ping" "${other[@]}")"
done
check "the log says that it is foreign" wait_until has_logged 'its certificate is not signed by one of our authorities'
check "the log says that it has expired" wait_until has_logged 'its certificate has expired'
printf '[{server, [{certfile, "%s/ca/%s.pem"}, {keyfile, "%s/ca/%s.key"}]}, {client, [{verify, verify_none}]}].\n' \
        "$ASM_TMP" "$HOST" "$ASM_TMP" "$HOST" >none.options
check_equal "a node without a certificate is refused" pang \
        "$(on_node "$ping" -proto_dist inet_tls -ssl_dist_optfile "$ASM_TMP/none.options")"
check "the log says that there is none" wait_until has_logged 'it has shown no certificate'
check_equal "and who has a good one is still served" pong "$(on_node "$ping" "${tls[@]}")"
stop_process "$ASMD_PID"


read -ra foreign <<<"$(tls_options foreign)"
start_beam stranger "${foreign[@]}"
configured ca "$HOST"
start_asmd asmd --config asmd.conf
check_match "asmd does not connect to a node with a foreign certificate" \
        "remote connect failed.*its certificate is not signed by one of our authorities" \
        "$("$ASMCTL" --config asmd.conf query --provider codex --remote "stranger@$HOST" hello 2>&1)"
start_beam other -proto_dist inet_tls -ssl_dist_optfile "$ASM_TMP/elsewhere/elsewhere.example.config" \
        -eval 'ok = fake_host:start().'
other=(--provider codex --remote "other@$HOST" 'events 3')
check_match "nor to one whose certificate names another host" 'its certificate does not name its host' \
        "$("$ASMCTL" --config asmd.conf query "${other[@]}" 2>&1)"
stop_process "$ASMD_PID"
configured ca "$HOST" 'verify_host = false'
start_asmd asmd --config asmd.conf
check "unless the configuration does not ask for it" "$ASMCTL" --config asmd.conf query "${other[@]}"
stop_process "$ASMD_PID"

# --- certificates that cannot be used -------------------------------------------------------------

# refuses_to_start NAME REGEX
refuses_to_start() {
        local words
        words=$("$ASMD" --sname asmd --cookie-file "$COOKIE_FILE" --config asmd.conf 2>&1)
        check_equal "$1: status" 1 $?
        check_match "$1" "$2" "$words"
}

configured ca nobody
refuses_to_start "a certificate that is not there is named" "certificate '.*/ca/nobody.pem'"
printf '%s\n' '[tls]' "certificate = ca/$HOST.pem" >asmd.conf
refuses_to_start "what is missing beside it is named" "\[tls\] certificate: needs private_key and authorities"
printf '%s\n' '[tls]' "certificate = ca/$HOST.pem" "private_key = ca/$HOST.key" 'authorities = asmd.conf' >asmd.conf
refuses_to_start "a file without certificates is named" "authorities '.*/asmd.conf'"
