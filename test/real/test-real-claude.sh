#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 900
#
# The real claude, as asmd starts it, against a scripted model.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need_real_cli claude
start_model

export CLAUDE_CLI_PATH=$cli_path
export ANTHROPIC_BASE_URL=http://127.0.0.1:$model_port ANTHROPIC_API_KEY=not-a-key
export DISABLE_TELEMETRY=1 DISABLE_ERROR_REPORTING=1 DISABLE_AUTOUPDATER=1
export CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1
start_asmd asmd

plain() {
        start_session && ask 'hello' || return
        says status 0 "$status" && says answer 'Turn 1 of the scripted model.' "$out"
}

long_prompt() {
        start_session && ask "$(head -c 300000 /dev/zero | tr '\0' 'x')" || return
        says status 0 "$status" && says answer 'Turn 1 of the scripted model.' "$out"
}

allowed() {
        answer_tool allow "use-tool:touch_$work/allowed" || return
        says status 0 "$status" || return
        says 'the tool result is an error' false "$(field tool_result 'e["payload"]["is_error"]')" || return
        says 'the file' "$work/allowed" "$(ls "$work/allowed" 2>&1)"
}

denied() {
        answer_tool deny "use-tool:touch_$work/denied" || return
        says status 0 "$status" || return
        says 'the tool result is an error' true "$(field tool_result 'e["payload"]["is_error"]')" || return
        [ ! -e "$work/denied" ] || echo "the tool ran"
        [ ! -e "$work/denied" ]
}

model_has_lost_client() {
        grep -q 'the client has gone' model.log
}

interrupted() {
        local run
        start_session || return
        begin 'slow'
        wait_until "$PATIENCE" grep -q 'slow' model.log || return
        run=$(field run_started 'e["run_id"]')
        "$ASMCTL" interrupt "$session" "$run" || return
        wait "$stream_pid"
        says status 130 $? || return
        wait_until 20 model_has_lost_client || {
                echo 'claude goes on reading from the model'
                return 1
        }
}

resumed() {
        start_session && ask 'hello' || return
        says 'first answer' 'Turn 1 of the scripted model.' "$out" || return
        out=$(timeout "$PATIENCE" "$ASMCTL" resume --session "$session" 'and again' 2>err)
        says 'second answer' 'Turn 2 of the scripted model.' "$out"
}

structured() {
        local object
        object=$(timeout "$PATIENCE" "$ASM_ERL" -noinput -sname "structured" -eval '
                Schema = #{<<"type">> => <<"object">>, <<"required">> => [<<"name">>, <<"n">>],
                           <<"properties">> => #{<<"name">> => #{<<"type">> => <<"string">>},
                                                 <<"n">> => #{<<"type">> => <<"integer">>}}},
                {ok, #{object := #{<<"name">> := Name, <<"n">> := N}}} =
                        erpc:call('"'$ASMD_NODE'"', asm, query,
                                  [claude, <<"an object">>, [{output_schema, Schema},
                                                             {cwd, <<"'"$work"'">>}]]),
                io:format("~s ~w~n", [Name, N]), halt(0).' 2>err)
        says object 'a value 7' "$object"
}

api_error() {
        start_session && ask 'fail:401' || return
        says status 1 "$status" || return
        contains '[runtime/auth_error]' "$err" && contains "API Error: 401 the scripted model fails as asked" "$err"
}

check "claude: a plain answer" plain
check "claude: a tool runs when it is allowed" allowed
check "claude: a tool does not run when it is denied" denied
check "claude: an interrupt ends the answer" interrupted
check "claude: a conversation is resumed" resumed
check "claude: a schema gives an object" structured
check "claude: an error of the API is the error of the run" api_error
check "claude: a prompt that no argument could hold" long_prompt
