#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 180
#
# Completion in the real shells: commands, options and their values, and what only the daemon knows.
# Each line says how long the daemon may take (--timeout), for the half second that somebody at a
# keyboard waits is too short for a busy machine.
# shellcheck source=../beam/lib.sh
. "$(dirname "$0")/../beam/lib.sh"
need_asmd "completion"
[ -x "$ASMCTL" ] || skip_all "completion" "no $ASMCTL: build it with scripts/build"
cd "$ASM_TMP" || exit
mkdir bin folder && touch file.conf "folder/inner file"
ln -s "$ASMCTL" bin/asmctl
PATH=$ASM_TMP/bin:$ASM_ROOT/priv/providers:$PATH
for shell in bash zsh fish; do asmctl completion $shell >completion.$shell; done

start_asmd asmd
start_beam other -eval "pong = net_adm:ping('$ASMD_NODE')."
session=$(asmctl start --provider codex)
# shellcheck disable=SC2016 # a shell that is careless would expand it
asmctl start --provider claude --session-id 'a$(touch${IFS}owned)b' >/dev/null
asmctl query --session "$session" hang >hang.out 2>/dev/null &
started_pids+=($!)
check "a run is on" wait_until 30 grep -q hanging hang.out
run=$(asmctl --json sessions | grep -oE '"run_id":"[0-9A-Z]{26}"' | cut -d'"' -f4)

# --- bash ---------------------------------------------------------------------------------------

cat >ask.bash <<'BASH'
# prints what the line may become; words are cut as bash cuts them
. ./completion.bash
COMP_LINE=$1 COMP_POINT=${#1} COMP_WORDS=()
rest=$1
while [[ $rest =~ ^[[:blank:]]*(\"[^\"]*\"|[@=:]+|[^[:blank:]@=:]+) ]]; do
        COMP_WORDS+=("${BASH_REMATCH[1]}")
        rest=${rest#"${BASH_REMATCH[0]}"}
done
[[ $1 != *[[:blank:]] ]] || COMP_WORDS+=('')
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
COMP_WORDBREAKS=$' \t\n"\'@><=;|&(:'
_asmctl
printf '%s\n' "${COMPREPLY[@]}"
BASH
in_bash() {
        bash --norc ask.bash "$1" 2>&1
}

# --- zsh: a terminal of its own, the line as it is after a tab -----------------------------------

cat >inner.zsh <<'ZSH'
autoload -Uz compinit && compinit -u -d zcompdump
. ./completion.zsh
setopt no_beep
unsetopt auto_menu
report() {
        zle complete-word
        print -rn -- "$BUFFER" >zsh.out.new && mv zsh.out.new zsh.out
        BUFFER=
}
zle -N report
bindkey '^I' report
PS1=
: >zsh.ready
ZSH
cat >ask.zsh <<'ZSH'
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell '. ./inner.zsh'
integer n=0
until [[ -e zsh.ready ]] || ((n++ > 1500)); do zpty -rt shell junk; sleep 0.02; done
for line in "$@"; do
        rm -f zsh.out
        zpty -w -n shell "$line"$'\t'
        n=0
        until [[ -e zsh.out ]] || ((n++ > 1500)); do zpty -rt shell junk; sleep 0.02; done
        cat zsh.out 2>/dev/null
        print
done
zpty -d shell
ZSH
in_zsh() {
        zsh -f ask.zsh "$@" 2>/dev/null
}

# --- fish ----------------------------------------------------------------------------------------

in_fish() {
        # shellcheck disable=SC2016 # of fish
        fish --no-config -c '. ./completion.fish; complete -C $argv[1]' -- "$1" 2>&1
}
values_in_fish() {
        in_fish "$1" | cut -f1
}

# words NAME LINE EXPECTED: what bash and fish offer for the line, in the order of the alphabet
words() {
        local expected
        expected=$(tr ' ' '\n' <<<"$3" | sort)
        check_equal "bash: $1" "$expected" "$(in_bash "$2" | sed 's/ $//' | sort)"
        check_equal "fish: $1" "$expected" "$(values_in_fish "$2" | sort)"
}

ask='asmctl --timeout 30'
commands=$(asmctl --help | sed -nE 's/^  ([a-z]+)  .*/\1/p' | tr '\n' ' ')
words "commands" 'asmctl ' "${commands% }"
words "a command" 'asmctl que' query
words "a command behind an option" 'asmctl --json que' query
words "an option" 'asmctl query --perm' --permission
words "no option twice" 'asmctl status --json --js' ''
words "an option with values" 'asmctl --color ' 'always auto never'
words "a lane" 'asmctl query --lane s' sdk
words "the operand of help" 'asmctl help appro' 'approvals approve'
words "nothing behind the last operand" "asmctl stop $session " ''
words "nothing of a command that there is not" 'asmctl frobnicate --col' --color
words "sessions" "$ask stop ${session:0:10}" "$session"
words "sessions of an option" "$ask query --session ${session:0:10}" "$session"
words "runs of a session" "$ask interrupt $session " "$run"
words "runs" "$ask logs ${run:0:20}" "$run"
words "no runs of another session" "$ask interrupt other " ''
words "providers" "$ask start --provider " 'amp antigravity claude codex cursor'
check_equal "bash: a node" "other@$HOST" "$(in_bash "$ask doctor oth")"
check_equal "bash: a node, behind its @" "$HOST" "$(in_bash "$ask doctor other@")"
check_equal "bash: the daemon" "asmd@$HOST" "$(in_bash "$ask ping as")"
check_equal "fish: a node, behind its @" "other@$HOST" "$(values_in_fish "$ask doctor other@")"
words "modes of a provider" "$ask query --provider codex --permission " 'bypass default plan'
check_equal "bash: settings" max_turns= "$(in_bash "$ask query --provider claude --set max_t")"
check_equal "bash: a value in the same word" always "$(in_bash 'asmctl --color=al')"
check_equal "fish: a value in the same word" --color=always "$(values_in_fish 'asmctl --color=al')"
check_equal "bash: an id that is no harmless word" 'a\$\(touch\$\{IFS\}owned\)b' "$(in_bash "$ask stop a")"
check_equal "bash: files" file.conf "$(in_bash 'asmctl --config fi')"
check_equal "bash: folders" folder "$(in_bash 'asmctl query --cwd fo')"
check_equal "bash: files in the same word" file.conf "$(in_bash 'asmctl --config=fi')"
check_equal "fish: files" file.conf "$(values_in_fish 'asmctl --config fi')"
check_equal "fish: folders" folder/ "$(values_in_fish 'asmctl query --cwd fo')"
check_match "fish: descriptions" "^status	show what" "$(in_fish 'asmctl stat')"
check_match "fish: what a session is" "^$session	codex running$" "$(in_fish "$ask stop ${session:0:10}")"

mapfile -t lines < <(in_zsh 'asmctl que' 'asmctl query --perm' 'asmctl --color al' 'asmctl --color=al' \
        "$ask stop ${session:0:10}" "$ask interrupt $session " "$ask start --provider co" \
        "$ask doctor oth" 'asmctl --config fi' 'asmctl query --cwd fo' 'asmctl --config=fi' \
        "$ask query --provider claude --set max_t" "$ask stop a")
check_equal "zsh: a command" 'asmctl query ' "${lines[0]}"
check_equal "zsh: an option" 'asmctl query --permission ' "${lines[1]}"
check_equal "zsh: a value" 'asmctl --color always ' "${lines[2]}"
check_equal "zsh: a value in the same word" 'asmctl --color=always ' "${lines[3]}"
check_equal "zsh: a session" "$ask stop $session " "${lines[4]}"
check_equal "zsh: a run of a session" "$ask interrupt $session $run " "${lines[5]}"
check_equal "zsh: a provider" "$ask start --provider codex " "${lines[6]}"
check_equal "zsh: a node" "$ask doctor other@$HOST " "${lines[7]}"
check_equal "zsh: a file" 'asmctl --config file.conf ' "${lines[8]}"
check_equal "zsh: a folder" 'asmctl query --cwd folder/' "${lines[9]}"
check_equal "zsh: a file in the same word" 'asmctl --config=file.conf ' "${lines[10]}"
check_equal "zsh: a setting, without a blank behind it" "$ask query --provider claude --set max_turns=" "${lines[11]}"
check_equal "zsh: an id that is no harmless word" "$ask stop a\\\$\\(touch\\\$\\{IFS\\}owned\\)b " "${lines[12]}"

# --- without a daemon ----------------------------------------------------------------------------

words "no daemon: no sessions, and no word" 'asmctl --node nobody stop ' ''
words "no daemon: the providers that asmctl knows" 'asmctl --node nobody run --provider cu' cursor
check_equal "no daemon: nothing on standard error" '' \
        "$(asmctl completion bash -- --node nobody stop '' 2>&1 >/dev/null)"
check_equal "what is completed is not run" '' "$(ls owned 2>/dev/null)"
