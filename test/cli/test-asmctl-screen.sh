#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 180
#
# What a run looks like on a terminal: asmctl in a real one (tmux), and an agent whose every line is
# written here, when it is time for it.
# shellcheck source=../beam/lib.sh
. "$(dirname "$0")/../beam/lib.sh"
[ -x "$ASMCTL" ] || skip_all "runs on a screen" "no $ASMCTL: build it with scripts/build"
command -v tmux >/dev/null || skip_all "runs on a screen" "no tmux: scripts/install-deps test"

cd "$ASM_TMP" || exit
export TMUX_TMPDIR=$ASM_TMP LC_ALL=C.UTF-8
unset TMUX NO_COLOR
ulid='[0-9A-HJKMNP-TV-Z]{26}'

screen() {
        tmux -L asm -u "$@"
}

screen -f /dev/null new-session -d -x 60 -y 24 "PS1='> ' bash --norc --noprofile" || exit
started_pids+=("$(screen display-message -p '#{pid}')")
screen set-option -g default-terminal screen-256color >/dev/null

# shown: what is on the screen now
shown() {
        screen capture-pane -p
}

# shows REGEX: a line of the screen matches
shows() {
        shown | grep -E -- "$1" >/dev/null
}

lacks() {
        ! shows "$1"
}

# begin WORD...: clears the screen and types; the agent's lines are then written by say
printf '#!/bin/sh\nexec cat %q\n' "$ASM_TMP/feed" >agent
chmod +x agent
begin() {
        rm -f feed
        mkfifo feed
        screen send-keys "clear; $*; echo status \$?" Enter
        # for both, so that it does not wait for an agent that never starts
        exec 6<>feed
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
        wait_until shows '^status '
}

spin='[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]'
run="$ASMCTL run --cli-path $ASM_TMP/agent"

# --- while it goes on ---------------------------------------------------------------------------

begin "$run" hello
check "before anything is said the time runs" wait_until shows "^$spin [0-9.]+ m?s$"
say '{"type":"system","subtype":"init","session_id":"a"}'
say '{"type":"assistant","message":{"role":"assistant","content":[{"type":"thinking","thinking":"let me look"}]}}'
check "it thinks: the footer says so" wait_until shows "^$spin .* · thinking$"
text 'I run the tests.'
check "thinking is one line" wait_until shows '^· thought, 3 words; -v shows them$'
check "and the text is there" wait_until shows '^I run the tests\.$'
tool t1 Bash '{"command":"make test"}'
check "a tool call has a spinner and its time" wait_until shows "^$spin Bash make test  [0-9.]+ m?s$"
tool t2 Read '{"file_path":"src/main.c"}'
check "a second one beside it" wait_until shows "^$spin Read src/main.c  "
result t2 'int main' false
check "what has ended well has a tick" wait_until shows '^✓ Read src/main.c  [0-9.]+ m?s$'
check "the other one goes on" shows "^$spin Bash make test  "
check_equal "and no line is left of what moved" 1 "$(shown | grep -c 'Read src')"
result t1 'make: *** Error 1\nmore' true
check "what has failed has a cross" wait_until shows '^✗ Bash make test  [0-9.]+ m?s$'
check "and its first line" wait_until shows '^  make: \*\*\* Error 1$'
text 'It fails.\nThat is all.'
finish
check "the text goes on in a line of its own" shows '^It fails\.$'
check "nothing moves at the end" lacks "$spin"
check "the last line tells time, tokens and cost" shows "^run $ulid: 12 ms, 10 tokens in, "
check "and the status is 0" shows '^status 0$'
check_equal "everything is there once, in its order" \
        "· though|I run th|✓ Read s|✗ Bash m|  make: |It fails|That is |run" \
        "$(shown | sed -n '1,8s/^\(.\{8\}\).*/\1/p' | sed 's/^run .*/run/' | paste -sd'|')"

# --- wide, foreign, narrow ----------------------------------------------------------------------

begin "$run" hello
text '漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字e\u0301.'
tool t1 Bash '{"command":"echo 漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字 and so on"}'
check "a label of wide characters is cut before the time" wait_until shows "^$spin Bash echo 漢字.*…  [0-9.]+ m?s$"
check "and fits in one line" lacks 'so on'
screen resize-window -x 30 -y 24
check "in a narrower window it is cut again" wait_until shows "^$spin Bash echo 漢字(漢|字){0,8}…  [0-9.]+ m?s$"
result t1 "done" false
check "and ends in one line" wait_until shows '^✓ Bash echo 漢字.*…  [0-9.]+ m?s$'
check "of which nothing else is left" test "$(shown | grep -c 'Bash echo')" -eq 1
screen resize-window -x 60 -y 24
text 'a\u001b[2Jb\u202ec'
finish
check "what could act on the terminal is shown" shows 'a\\u001b\[2Jb\\u202ec'

# --- asked --------------------------------------------------------------------------------------

begin "$run" hello
say '{"type":"control_request","request_id":"r1","request":{"subtype":"can_use_tool","tool_name":"Edit","input":{"file_path":"a.c","old_string":"one\ntwo","new_string":"three"}}}'
check "an edit is asked for as a diff" wait_until shows '^  \+ three$'
check "with what it takes away" shows '^  - two$'
check "and the question, with nothing below it" wait_until shows '^allow\? \[y/n\]$'
check "while it waits nothing moves" lacks "$spin"
screen send-keys n Enter
check "the answer is said" wait_until shows '^approval: deny r1'
check "and then the time runs on" wait_until shows "^$spin "
finish

# --- ends ---------------------------------------------------------------------------------------

begin "$run" hello
tool t1 Bash '{"command":"sleep 1000"}'
wait_until shows "^$spin Bash sleep"
screen send-keys C-c
check "ctrl-C: the tool has no result" wait_until shows '^· Bash sleep 1000  no result$'
check "ctrl-C: status" wait_until shows '^status 130$'
check "ctrl-C: nothing moves" lacks "$spin"
exec 6>&-

begin "$run" -v hello
say '{"type":"assistant","message":{"role":"assistant","content":[{"type":"thinking","thinking":"let me look"}]}}'
check "-v shows what it thinks" wait_until shows '^thinking: let me look$'
finish
begin "$run" hello '|' cat
text 'Piped.\n'
tool t1 Bash '{"command":"make test"}'
check "with a pipe behind it nothing moves" wait_until shows '^tool: Bash'
check "really nothing" lacks "$spin"
finish
check "a pipe gets the text" shows '^Piped\.$'
begin TERM=dumb "$run" hello
tool t1 Bash '{"command":"make test"}'
check "nor on a terminal that cannot" wait_until shows '^tool: Bash'
finish

# --- colours ------------------------------------------------------------------------------------

# escapes OPTION...: how many escape sequences are in what a pipe gets
escapes() {
        printf '%s\n' '{"type":"result","subtype":"success","is_error":false,"result":"x","session_id":"a"}' >lines
        printf '#!/bin/sh\nexec cat %q\n' "$ASM_TMP/lines" >quick
        chmod +x quick
        "$ASMCTL" run --cli-path "$ASM_TMP/quick" "$@" hello 2>&1 </dev/null | grep -c $'\033'
}
check_equal "a pipe gets no escape sequence" 0 "$(escapes)"
check_equal "unless asked for: --color=always" 1 "$(escapes --color=always)"
check_equal "--color=never" 0 "$(escapes --color never)"
"$ASMCTL" run --color=sometimes hello 2>err </dev/null
check_equal "--color with another word: status" 2 $?
check_match "--color with another word: says which there are" "'sometimes' is none of auto, always and never" "$(cat err)"
begin NO_COLOR=1 "$run" hello
tool t1 Bash '{"command":"make test"}'
wait_until shows "^$spin Bash"
check_equal "NO_COLOR: it moves without colour" 0 "$(screen capture-pane -pe | grep -cE $'\033\\[[0-9;]*[1-9]m')"
finish
