#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 900
#
# The real codex, as asmd starts it, against a scripted model: `codex exec`, and its app-server for what
# asks for approvals.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need_real_cli codex
start_model
git -C "$work" init -q

mkdir -p "$HOME/.codex"
cat >"$HOME/.codex/config.toml" <<TOML
model = "scripted"
model_provider = "scripted"
[model_providers.scripted]
name = "scripted"
base_url = "http://127.0.0.1:$model_port/v1"
wire_api = "responses"
env_key = "OPENAI_API_KEY"
request_max_retries = 0
stream_max_retries = 0
[analytics]
enabled = false
TOML
export CODEX_PATH=$cli_path OPENAI_API_KEY=not-a-key XDG_RUNTIME_DIR=$ASM_TMP/run
mkdir -p "$XDG_RUNTIME_DIR"
start_asmd asmd

# a session whose runs are turns of the app-server
start_asking_session() {
        session=$("$ASMCTL" start --provider codex --cwd "$work" --permission default)
}

plain() {
        start_session && ask 'hello' || return
        says status 0 "$status" && says answer 'Turn 1 of the scripted model.' "$out"
}

plain_of_the_server() {
        start_asking_session && ask 'hello' || return
        says status 0 "$status" && says answer 'Turn 1 of the scripted model.' "$out"
}

# answer_tool starts the session that asks
allowed() {
        (
                start_session() { start_asking_session; }
                answer_tool allow 'use-tool:touch_allowed' || exit
                says status 0 "$status" || exit
                says 'the tool result is an error' false "$(field tool_result 'e["payload"]["is_error"]')" || exit
                says 'the file' "$work/allowed" "$(ls "$work/allowed" 2>&1)"
        )
}

denied() {
        (
                start_session() { start_asking_session; }
                answer_tool deny 'use-tool:touch_denied' || exit
                says status 0 "$status" || exit
                says 'the tool result is an error' true "$(field tool_result 'e["payload"]["is_error"]')" || exit
                [ ! -e "$work/denied" ] || echo 'the tool ran'
                [ ! -e "$work/denied" ]
        )
}

is_asked_slow() {
        [ "$(grep -c slow model.log)" -gt "$n_slow" ]
}

no_server() {
        [ -z "$(own_processes 'codex.* app-server')$(own_processes 'codex.* exec ')" ]
}

# interrupted START: START is what starts the session
interrupted() {
        local run
        n_slow=$(grep -c slow model.log)
        "$1" || return
        begin 'slow'
        wait_until "$PATIENCE" is_asked_slow || return
        run=$(field run_started 'e["run_id"]')
        "$ASMCTL" interrupt "$session" "$run" || return
        wait "$stream_pid"
        says status 130 $? || return
        wait_until 20 no_server || {
                echo 'codex goes on'
                return 1
        }
}

# resumed START
resumed() {
        "$1" && ask 'hello' || return
        says 'first answer' 'Turn 1 of the scripted model.' "$out" || return
        out=$(timeout "$PATIENCE" "$ASMCTL" resume --session "$session" 'and again' 2>err)
        says 'second answer' 'Turn 2 of the scripted model.' "$out"
}

# structured OPTIONS: an Erlang list of further options
structured() {
        local object
        object=$(timeout "$PATIENCE" "$ASM_ERL" -noinput -sname "structured" -eval '
                Schema = #{<<"type">> => <<"object">>, <<"required">> => [<<"name">>, <<"n">>],
                           <<"additionalProperties">> => false,
                           <<"properties">> => #{<<"name">> => #{<<"type">> => <<"string">>},
                                                 <<"n">> => #{<<"type">> => <<"integer">>}}},
                {ok, #{object := #{<<"name">> := Name, <<"n">> := N}}} =
                        erpc:call('"'$ASMD_NODE'"', asm, query,
                                  [codex, <<"an object">>, [{output_schema, Schema},
                                                            {cwd, <<"'"$work"'">>} | '"$1"']]),
                io:format("~s ~w~n", [Name, N]), halt(0).' 2>err)
        says object 'a value 7' "$object" || return
        says 'files left behind' '' "$(ls "$XDG_RUNTIME_DIR")"
}

# api_error START
api_error() {
        "$1" && ask 'fail:400' || return
        says status 1 "$status" && contains 'the scripted model fails as asked' "$err"
}

check "codex exec: a plain answer" plain
check "codex exec: an interrupt ends the answer" interrupted start_session
check "codex exec: a conversation is resumed" resumed start_session
check "codex exec: a schema gives an object, and its file is gone" structured '[]'
check "codex exec: an error of the API is the error of the run" api_error start_session
check "codex app-server: a plain answer" plain_of_the_server
check "codex app-server: a tool runs when it is allowed" allowed
check "codex app-server: a tool does not run when it is denied" denied
check "codex app-server: an interrupt ends the answer" interrupted start_asking_session
check "codex app-server: a conversation is resumed" resumed start_asking_session
check "codex app-server: a schema gives an object" structured '[{permission_mode, default}]'
check "codex app-server: an error of the API is the error of the run" api_error start_asking_session
