#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 1500
#
# The Debian package, from its making to its purge, in a small Debian that has nothing else: its
# daemon is started there and talked to with its asmctl, and in the end nothing of it is left.
#
# All in a mount namespace of its own, so that no mount outlives it. It takes longer than others
# the first time: asmd is built as a package is, and a Debian is fetched (scripts/fetch-root keeps it).
if [ -z "${ASM_OWN_MOUNTS:-}" ] && unshare --mount true 2>/dev/null; then
        ASM_OWN_MOUNTS=yes exec unshare --mount --propagation private bash "$0"
fi
# shellcheck source=../beam/lib.sh
. "$(dirname "$0")/../beam/lib.sh"
need_asmd "the Debian package"
[ "$(id -u)" -eq 0 ] || skip_all "the Debian package" "only root can install it somewhere"
[ -n "${ASM_OWN_MOUNTS:-}" ] || skip_all "the Debian package" "no mount namespaces here"
for tool in dpkg-buildpackage dh debootstrap; do
        command -v $tool >/dev/null || skip_all "the Debian package" "no $tool: run 'scripts/install-deps package test'"
done
! is_sanitized || skip_all "the Debian package" "it is built without sanitizers: the plain build tests it"

cd "$ASM_TMP" || exit
root=$ASM_TMP/root

# --- the package ---------------------------------------------------------------------------------

if ! package=$("$ASM_ROOT/scripts/make-deb" --no-install "$ASM_TMP" 2>make-deb.err); then
        not_ok "scripts/make-deb makes the package" "$(tail -n 20 make-deb.err)"
        exit
fi
ok "scripts/make-deb makes the package"
check_equal "the configuration is the administrator's" "/etc/asmd/asmd.conf" \
        "$(dpkg-deb --ctrl-tarfile "$package" | tar -xO ./conffiles)"
check_match "its dependencies are found by what the programs link" 'libglib2\.0-0.*libjson-glib' \
        "$(dpkg-deb --field "$package" Depends)"
if command -v lintian >/dev/null; then
        check_equal "lintian finds no error" "" "$(lintian --tag-display-limit 0 "$package" 2>/dev/null | grep '^E:')"
else
        echo "ok - lintian finds no error # SKIP no lintian here"
fi

# --- a Debian without it -------------------------------------------------------------------------

tar=$(timeout 400 "$ASM_ROOT/scripts/fetch-root" "$package" 2>fetch-root.err)
case $? in
0) ;;
3 | 124)
        [ -s fetch-root.err ] || echo "no small Debian could be fetched in 400 s" >fetch-root.err
        echo "ok - the package is installed # SKIP $(tr '\n' ' ' <fetch-root.err | cut -c1-300)"
        exit
        ;;
*)
        not_ok "what the package depends on is there" "$(cat fetch-root.err)"
        exit 1
        ;;
esac
mkdir "$root"
if ! tar -C "$root" --numeric-owner -xf "$tar" 2>tar.err; then
        echo "ok - the package is installed # SKIP $(tail -n 1 tar.err)"
        exit
fi
mount -t proc proc "$root/proc" || exit
# nothing there is on a disk that has to survive, and no service is started
echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/test"
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod +x "$root/usr/sbin/policy-rc.d"
cp /etc/hosts "$root/etc/hosts"
mkdir "$root/opt/standins"
cp "$ASM_ROOT/priv/providers/"* "$root/opt/standins"
cp "$package" "$root/opt/asmd.deb"

place=(env -i PATH=/opt/standins:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
        ASM_TEST_ID="$ASM_TEST_ID" ERL_EPMD_PORT="$ERL_EPMD_PORT")
as_root=(chroot "$root" "${place[@]}" HOME=/root)
as_asmd=(chroot --userspec=asmd:asmd "$root" "${place[@]}" HOME=/var/lib/asmd)

# run COMMAND...: as root of that Debian; its words are shown only when it fails
run() {
        "${as_root[@]}" "$@" >run.log 2>&1 </dev/null || {
                tail -n 20 run.log
                return 1
        }
}

# all that there is, as names, kinds, owners and modes, but what records and caches of packages say
everything() {
        find "$root" -xdev \( -path "$root/proc" -o -path "$root/var/cache" -o -path "$root/var/lib/apt" \
                -o -path "$root/var/lib/dpkg" -o -path "$root/var/log" -o -path "$root/tmp" \) -prune \
                -o -printf '%P %y %U:%G %m\n' | grep -vE '^etc/(passwd|group|shadow|gshadow)-|^etc/\.pwd\.lock' | sort
}

# must NAME COMMAND...: without it there is nothing more to see
must() {
        local before=$n_bad
        check "$@"
        [ "$n_bad" -eq "$before" ] || exit
}

must "what it depends on can be installed" \
        run apt-get -q -y --no-install-recommends satisfy "$(dpkg-deb --field "$package" Depends)"
everything >before

# --- installed -----------------------------------------------------------------------------------

must "the package is installed" run apt-get -q -y --no-install-recommends install /opt/asmd.deb
check_match "and nothing besides" '0 upgraded, 1 newly installed, 0 to remove' "$(cat run.log)"
check "its user is there" run getent passwd asmd
check_equal "who has a home that is closed to others" "asmd asmd 750" \
        "$("${as_root[@]}" stat -c '%U %G %a' /var/lib/asmd)"
check_equal "in which no cookie is" "" "$(ls -A "$root/var/lib/asmd")"
check_equal "no service is started or enabled, and none is running" "" \
        "$(find "$root/etc/systemd" -name '*asmd*' && own_processes '(^|/)asmd ')"
for file in lib/systemd/system/asmd.{service,socket} usr/lib/systemd/user/asmd.service usr/libexec/asmd/asm_exec \
        usr/share/{man/man1/asmctl.1.gz,man/man8/asmd.8.gz,man/man5/asmd.conf.5.gz} \
        usr/share/{bash-completion/completions/asmctl,zsh/site-functions/_asmctl,fish/vendor_completions.d/asmctl.fish} \
        usr/share/asmd/{shell/src/asm.erl,kits-available/install} usr/share/doc/asmd/{copyright,changelog.gz,doc/operations.md}; do
        check "it has /$file" test -s "$root/$file"
done
check "the configuration tells every key" grep -q '^#shutdown_grace_ms = ' "$root/etc/asmd/asmd.conf"
check "and has no mistake" run asmd --check-config

# --- at work -------------------------------------------------------------------------------------

ctl() {
        out=$(timeout 60 "${as_asmd[@]}" asmctl "$@" 2>err </dev/null)
}

"${as_asmd[@]}" asmd >asmd.out 2>asmd.err </dev/null &
asmd_pid=$!
started_pids+=("$asmd_pid")
wait_until said_ready_or_ended asmd.out "$asmd_pid"
check_match "its daemon starts" '^ready asmd@' "$(cat asmd.out asmd.err)"
check_match "with a cookie of its own that only it can read" '^asmd 400 20$' \
        "$("${as_root[@]}" stat -c '%U %a %s' /var/lib/asmd/.erlang.cookie)"
ctl status
check_match "its asmctl reaches it" "^version +$(dpkg-deb --field "$package" Version)$" "$out $(cat err)"
said='You asked: hello It has 1 word(s). I am a stand-in without a model.'
ctl query --provider codex hello
check_equal "a run of the daemon" "$said" "$out"
ctl run --provider codex hello
check_equal "a run without it" "$said" "$out"
check "the host application starts in a BEAM" run erl -noinput -pa /usr/share/asmd/erlang/ebin \
        -eval '{ok, _} = application:ensure_all_started(asmd_host), halt().'
check "and has its helper" test -x "$root/usr/share/asmd/erlang/bin/asm_exec"
stop_process "$asmd_pid"
check_equal "it ends when it is told to" 0 $?
stop_epmd

# --- gone ----------------------------------------------------------------------------------------

echo '# mine' >>"$root/etc/asmd/asmd.conf"
check "it is removed" run dpkg --remove asmd
check "its programs are gone" test ! -e "$root/usr/bin/asmd"
check_equal "and the administrator's configuration stays" "# mine" "$(tail -n 1 "$root/etc/asmd/asmd.conf")"
check "as does the cookie" test -s "$root/var/lib/asmd/.erlang.cookie"
check "it is purged" run dpkg --purge asmd
everything >after
check_equal "nothing is left" "" "$(diff before after)"
check_equal "nor its user" "" "$(cd "$root/etc" && grep -l asmd passwd group shadow gshadow)"
