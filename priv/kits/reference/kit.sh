#!/bin/sh
# SPDX-License-Identifier: MIT
#
# A kit in a few lines (doc/kits.md). It repeats the prompt. A prompt that begins with "ask" asks for
# permission first, with "wait" it repeats what comes as input until it is interrupted or the input
# ends, and with "fail" it is an error.
#
# Texts are taken out of a line as JSON and put into another as they are, so nothing is unescaped.

say() {
        printf '%s\n' "$1"
}

# event KIND PAYLOAD
event() {
        say "{\"type\":\"event\",\"kind\":\"$1\",\"payload\":$2}"
}

# text KEY LINE: the last string of that name, with its quotes
text() {
        printf '%s\n' "$2" | sed -nE "s/.*\"$1\":(\"([^\"\\\\]|\\\\.)*\").*/\1/p"
}

# answer TEXT: and that is all
answer() {
        event assistant_delta "{\"content\":$1}"
        event assistant_message "{\"content\":$1,\"model\":\"reference\"}"
        event result '{"stop_reason":"end_turn","output":{"usage":{"input_tokens":2,"output_tokens":3}}}'
        exit 0
}

while IFS= read -r line; do
        case $line in
        '{"type":"start"'*)
                prompt=$(text prompt "$line")
                say '{"type":"ready","version":1}'
                case $prompt in
                '"ask'*) event approval_requested '{"approval_id":"a1","subject":"Bash","details":{"tool_input":{"command":"ls"}}}' ;;
                '"wait'*) event raw '{"content":"waiting"}' ;;
                '"fail'*) say '{"type":"error","code":"tool_failed","message":"told to fail"}' ;;
                *) answer "$prompt" ;;
                esac
                ;;
        '{"type":"approve"'*'"decision":"allow"'*) answer '"allowed"' ;;
        '{"type":"approve"'*) answer '"denied"' ;;
        '{"type":"input","text":null}') answer '"no more input"' ;;
        '{"type":"input"'*) event assistant_delta "{\"content\":$(text text "$line")}" ;;
        '{"type":"interrupt"}') say '{"type":"error","code":"user_cancelled","severity":"warning","message":"interrupted"}' ;;
        '{"type":"close"}') exit 0 ;;
        esac
done
