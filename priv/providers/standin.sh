# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# What the stand-in CLIs have in common; each defines how its vocabulary says things, how it is told
# its prompt (receive) and when it may end (release), and sources this.
#
# A stand-in talks like the real CLI but has no model: words of the prompt say what it does, in their
# order. Without any of them it answers something about the prompt in several steps.
#
#   count:N     N messages, as fast as it can       slow, sleep:S  wait 0.2 s (S s) before each message
#   line:N      a message of N bytes on one line    stderr         two lines on stderr
#   badjson     a line that is not JSON             stdin          says each line of stdin
#   env:NAME    says the value of a variable        cwd, args      says where it runs, its arguments
#   fail:CODE   a line on stderr, exit CODE         hang           waits for ever, with a child that does too
#   approve     asks for a tool, waits for the answer on stdin and says it (claude, and codex as app-server)
#   stubborn    (with hang) ignores INT and TERM    escape         (with hang) the child leaves the session
#
# hang writes the process ids, its own first, to $ASM_STANDIN_PIDFILE, else to standin.pids in the
# current directory. SIGINT ends it with 130, SIGTERM with 143.

if [ "${1-}" = --version ]; then
        echo "${0##*/} 0.0.0 (stand-in)"
        exit 0
fi

set -f
pause=
child=
text=
n=0
stubborn=
escape=

leave() {
        [ -z "$child" ] || kill "$child" 2>/dev/null
        exit "$1"
}
trap 'leave 130' INT
trap 'leave 143' TERM

# a foreground sleep would hold back the traps
rest() {
        sleep "$1" &
        child=$!
        wait "$child"
        child=
}

# $1 as the inside of a JSON string, in $json
escape_json() {
        case $1 in
        *[!A-Za-z0-9\ .,:\;?!_=/+-]*)
                json=$(printf '%s' "$1" | tr '\t' ' ' | tr -d '\000-\011\013-\037' |
                        sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e ':a' -e 'N' -e '$!ba' -e 's/\n/\\n/g')
                ;;
        *) json=$1 ;;
        esac
}

say() {
        [ -z "$pause" ] || rest "$pause"
        escape_json "$1"
        n=$((n + 1))
        message "$n" "$json"
}

# some are put together here and written at once; for many two processes cost less
count() {
        if [ "$1" -gt 300 ]; then
                seq "$1" | sed "s/.*/$(message '&' 'event & ')/"
                return
        fi
        all=
        i=0
        while [ "$i" -lt "$1" ]; do
                i=$((i + 1))
                message_text "$i" "event $i "
                all="$all$text
"
        done
        printf '%s' "$all"
}

message() {
        message_text "$1" "$2"
        printf '%s\n' "$text"
}

hang() {
        if [ -n "$stubborn" ]; then
                trap '' INT TERM
        fi
        if [ -n "$escape" ]; then
                setsid sleep 100000 >/dev/null 2>&1 &
        else
                sleep 100000 &
        fi
        child=$!
        pids=${ASM_STANDIN_PIDFILE:-standin.pids}
        printf '%s\n%s\n' "$$" "$child" >"$pids.new" && mv "$pids.new" "$pids"
        say 'hanging'
        wait "$child"
}

act() {
        case $1 in
        count:*) count "${1#count:}" ;;
        line:*) message 1 "$(head -c "${1#line:}" /dev/zero | tr '\000' x)" ;;
        env:*) say "$(printenv "${1#env:}" || echo unset)" ;;
        cwd) say "$(pwd)" ;;
        args) say "$arguments" ;;
        stderr) printf 'a warning\nand another\n' >&2 ;;
        badjson) echo 'this line is not JSON' ;;
        stdin) while read -r line || [ -n "$line" ]; do say "$line"; done ;;
        fail:*)
                echo 'stand-in: failed as asked' >&2
                leave "${1#fail:}"
                ;;
        hang) hang ;;
        approve) approve ;;
        esac
}

# $prompt is the last argument, or what the stand-in receives instead
for prompt; do :; done
arguments=$*
receive "$@"
acts=
for word in $prompt; do
        case $word in
        slow) pause=0.2 ;;
        sleep:*) pause=${word#sleep:} ;;
        stubborn) stubborn=1 ;;
        escape) escape=1 ;;
        count:[0-9]* | line:[0-9]* | env:?* | fail:[0-9]* | cwd | args | stderr | badjson | stdin | hang | approve)
                acts="$acts $word"
                ;;
        esac
done

begin
if [ -n "$acts" ]; then
        for word in $acts; do
                act "$word"
        done
else
        think 'I look at the prompt.'
        words=0
        for word in $prompt; do words=$((words + 1)); done
        say "You asked: $prompt"
        say " It has $words word(s)."
        say ' I am a stand-in without a model.'
fi
finish
release
