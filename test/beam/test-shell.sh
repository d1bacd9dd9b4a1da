#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 240
#
# asmd from an Erlang shell and from iex, with the helpers of priv/shell.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need_asmd "shell helpers"

start_beam_host host
start_asmd asmd
remote="{execution_mode, remote_node}, {driver_opts, [{remote_node, 'host@$HOST'}]}"
answer='You asked: hello It has 1 word(s). I am a stand-in without a model.'

check "asm.erl compiles without a warning" erlc -Werror -o "$ASM_TMP" "$ASM_ROOT/priv/shell/asm.erl"

# in_erl EXPRESSION...: what the shell of a fresh node prints
in_erl() {
        "$ASM_ERL" -noinput -sname "shell$RANDOM" -pa "$ASM_TMP" \
                -eval "io:setopts([{encoding, unicode}]), $1, halt()." 2>&1
}

check_equal "asm:query/3 gives a result" "$answer" \
        "$(in_erl "io:put_chars(asm:text(asm:query(codex, \"hello\", [$remote])))")"
check_match "asm:stream/3 prints the text as it comes" 'You asked: hello' \
        "$(in_erl "{ok, _} = asm:stream(claude, \"hello\", [$remote])")"
check_equal "a session is started, named and ended" "true healthy ok nil" \
        "$(in_erl "{ok, S} = asm:start_session([{provider, codex}]), Id = asm:session_id(S), Healthy = asm:health(Id),
                   Ok = asm:stop_session(S), io:format(\"~p ~p ~p ~p\", [is_binary(Id), Healthy, Ok, asm:session_id(Id)])")"
check_match "a mistake is an ASM.Error" 'config_invalid.*run_deadline_ms' \
        "$(in_erl "io:format(\"~0tp\", [asm:start_session([{run_deadline_ms, soon}])])")"
check_match "a node that is not there is an error, too" 'connection_failed.*nowhere@' \
        "$(in_erl "asm:node('nowhere@$HOST'), io:format(\"~0tp\", [asm:status()])")"
check_match "asm:doctor/2 tells that a host is ready" '^12 ok$' \
        "$(in_erl "{ok, L} = asm:doctor('host@$HOST', [{provider, codex}]),
                   io:format(\"~p ok~n\", [length([C || #{status := ok} = C <- L])])")"

if ! command -v elixir >/dev/null; then
        ok "the helper for iex # SKIP elixir is not installed: scripts/install-deps test"
        exit
fi
# in_elixir EXPRESSION: what a script on a fresh node prints
in_elixir() {
        elixir --sname "iex$RANDOM" --cookie "$(cat "$COOKIE_FILE")" \
                -r "$ASM_ROOT/priv/shell/asm.ex" -e "$1" 2>&1
}
ex_remote="execution_mode: :remote_node, driver_opts: [remote_node: :\"host@$HOST\"]"
check_equal "ASMNode.query/3 gives a result" "$answer" \
        "$(in_elixir "ASMNode.query(:codex, \"hello\", $ex_remote) |> ASMNode.text() |> IO.write()")"
check_match "a result is what Elixir's ASM calls one" 'Elixir.ASM.Result :end_turn' \
        "$(in_elixir "{:ok, r} = ASMNode.query(:codex, \"hello\", $ex_remote); IO.puts(\"#{r.__struct__} #{inspect(r.stop_reason)}\")")"
check_match "events come to the process that asked" ':run_started' \
        "$(in_elixir "{:ok, id} = ASMNode.stream(:codex, \"hello\", [subscriber: self(), $ex_remote]);
                      receive do {:asm_run_event, ^id, event} -> IO.inspect(event.kind) end")"
