#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 300
#
# Every command in the documents and in the help of asmctl is executed. A document is a world: its
# blocks are executed in their order, in a tree like the source's with what is built, by one shell
# (test/beam/transcripts.py). What installs and builds does nothing there, for the runner has done
# it. The README starts its own nodes; the others find a daemon "asmd" and a host "backend".
# shellcheck source=../beam/lib.sh
. "$(dirname "$0")/../beam/lib.sh"
need_asmd "commands of the documents"
need_host_app
command -v iex >/dev/null || skip_all "commands of the documents" \
        "elixir is not installed: scripts/install-deps test"

export LC_ALL=C.UTF-8
bin=$ASM_BUILD/src
providers=$ASM_ROOT/priv/providers
mkdir "$ASM_TMP/bin"
# a node that is started in the background is there when the next command comes
cat >"$ASM_TMP/bin/erl" <<SHELL
#!/bin/bash
[[ " \$* " == *" -detached "* ]] || exec "$ASM_ERL" "\$@"
rm -f "$ASM_TMP/is-up"
"$ASM_ERL" "\$@" -eval 'ok = file:write_file("$ASM_TMP/is-up", "").'
for _ in {1..1500}; do [ -e "$ASM_TMP/is-up" ] && exit 0; sleep 0.02; done
exit 1
SHELL
chmod +x "$ASM_TMP/bin/erl"
PATH=$ASM_TMP/bin:$bin:$providers:$PATH

# make_tree FOLDER: what the commands of a document find around them
make_tree() {
        mkdir -p "$1/build" "$1/scripts" "$1/priv"
        ln -s "$bin" "$1/build/src"
        ln -s "$ASM_BUILD/doc" "$1/build/doc"
        for name in erlang providers kits systemd; do
                [ ! -e "$ASM_ROOT/priv/$name" ] || ln -s "$ASM_ROOT/priv/$name" "$1/priv/$name"
        done
        cp -r "$ASM_ROOT/priv/shell" "$1/priv/shell"
        for name in build build-host install-deps; do
                printf '#!/bin/sh\nexit 0\n' >"$1/scripts/$name"
                chmod +x "$1/scripts/$name"
        done
}

# what a document has left running
end_nodes() {
        local pid
        for pid in $(own_processes '(^|/)(beam.smp|asmd) '); do kill "$pid" 2>/dev/null; done
        wait_until 30 nothing_runs
        started_pids=()
}

nothing_runs() {
        [ -z "$(own_processes '(^|/)(beam.smp|asmd) ')" ]
}

has_approval() {
        [[ $(asmctl --json approvals "$1") == *approval_id* ]]
}

# ask_for_approval SESSION: a run of it waits for permission
ask_for_approval() {
        asmctl start --session-id "$1" --provider claude >/dev/null
        asmctl query --session "$1" approve >/dev/null 2>&1 &
        wait_until 30 has_approval "$1" || not_ok "a run asks for permission" "$(asmctl sessions)"
}

# replay DOCUMENT
replay() {
        local tree=$ASM_TMP/${1##*/}.tree
        [ ! -e "$tree" ] || tree=$tree.2
        make_tree "$tree"
        (cd "$tree" && python3 "$ASM_ROOT/test/beam/transcripts.py" --host "$HOST" --folder "$tree" \
                --erl "$ASM_ERL -sname erl" --iex "iex --sname iex" "$1")
}

# --- the documents --------------------------------------------------------------------------------

start_epmd
replay "$ASM_ROOT/README.md"
end_nodes

start_asmd asmd
start_beam_host backend
ask_for_approval review
for document in "$ASM_ROOT"/doc/*.md; do
        case ${document##*/} in
        # with tests of their own, which replay all of it
        tutorial.md | library.md) continue ;;
        # starts its own host under the name
        remote-nodes.md) stop_process "$BEAM_PID" ;;
        esac
        replay "$document"
        # the kit of one document is not the agent of the next one
        rm -rf "$HOME/.local/share/asmd"
done
end_nodes

# --- the examples in the help -----------------------------------------------------------------------

tree=$ASM_TMP/help
make_tree "$tree"
cd "$tree" || exit
git init -q . 2>/dev/null && echo one >file && git add file && echo two >file
mkdir -p src "$HOME/.zfunc" "$HOME/.config/fish/completions"
cp "$COOKIE_FILE" build1.cookie
echo '{"type":"object","properties":{"answer":{"type":"string"}}}' >review.json
start_asmd asmd
start_beam_host backend
ask_for_approval review
session=$(asmctl start --provider claude)
asmctl query --session "$session" hello >/dev/null 2>&1
n=0

# a run that goes on, in a session of its own; sets busy and run
start_run() {
        busy=$(asmctl start --provider codex)
        asmctl query --session "$busy" hang >/dev/null 2>&1 &
        wait_until 30 has_run "$busy"
        run=$(asmctl --json sessions | jq -r ".[] | select(.session_id == \"$busy\") | .runs[0].run_id")
}

has_run() {
        [[ $(asmctl --json sessions | jq -r ".[] | select(.session_id == \"$1\") | .runs[0].run_id") == 0* ]]
}

# what an example says of other machines and of ids, as it is here
try_example() {
        local command=$1 example=$2 text=$2 status said owner=$session id=none
        case $command in
        interrupt)
                start_run
                owner=$busy
                ;;
        attach | logs)
                owner=$session
                run=$(asmctl --json query --session "$session" hello | jq -r .run_id | head -n 1)
                ;;
        stop) owner=$(asmctl start) ;;
        approvals) owner=review ;;
        approve | deny)
                n=$((n + 1))
                owner=review$n
                ask_for_approval "$owner"
                id=$(asmctl --json approvals "$owner" | jq -r '.[0].approval_id')
                ;;
        esac
        if [[ $example == *--schema* ]]; then
                ok "help $command: $example # SKIP a stand-in has no model that could keep to a schema"
                return
        fi
        text=${text//01M84WMNG8H3RTK84YEC65A4BX/$owner}
        text=${text//01M84WKFDRHACFYC0KG3EZWSZ2/${run:-none}}
        text=${text//01M84W/${run:-none}}
        text=${text//01a3b2e4-5d21/$id}
        text=${text//build1 /$HOST }
        [[ $text != *build1 ]] || text=${text%build1}$HOST
        text=${text//\/srv\/project/$tree}
        said=$(timeout 60 bash -c "$text" 2>&1 >out </dev/null)
        status=$?
        said=$(grep '^asmctl: ' <<<"$said")
        if [ $status -eq 0 ] && [ -z "$said" ]; then
                ok "help $command: $example"
        else
                not_ok "help $command: $example" "expected status 0 and no error got $status $said of: $text"
        fi
}

while read -r command; do
        while IFS= read -r example; do
                try_example "$command" "$example"
        done < <(asmctl help "$command" | sed -n 's/^  \$ //p')
done < <(asmctl --help | sed -nE 's/^  ([a-z]+)  .*/\1/p')
for session in $(asmctl --json sessions | jq -r '.[].session_id'); do asmctl stop "$session"; done
