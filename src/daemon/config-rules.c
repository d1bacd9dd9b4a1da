/* SPDX-License-Identifier: MIT */

/*
 * What can be configured: one row per key, with its group, range and meaning. The reader takes
 * nothing else. To add a key: a field of AsmConfig, its default in asm_config_init(), a row here.
 */

#include "daemon/config-rules.h"

#include "base/log.h"
#include "base/spelling.h"

#include <string.h>

#define AT(member) G_STRUCT_OFFSET(AsmConfig, member)
#define KIB        G_GUINT64_CONSTANT(1024)
#define MIB        (KIB * 1024)
#define DAY_MS     86400000
#define LIVE       TRUE
#define AT_START   FALSE

#define RIGHTS_HELP                                                                                \
        "query, control (which includes it), administer (which includes both) and host, "          \
        "separated "                                                                               \
        "by ;, or none."

static const AsmConfigGroup groups[] = {
        { "node", "This node of the cluster, and how it ends." },
        { "tls",
          "With these keys every connection is made with TLS, as by nodes that run with "
          "-proto_dist "
          "inet_tls, and peers without are turned away. The first three go together." },
        { "kits", "Programs that run agents by the SDKs of their vendors (lane sdk)." },
        { "limits",
          "What the daemon takes on at most; doc/operations.md says how much memory each can come "
          "to. Sizes are in bytes." },
        { ASM_CONFIG_PEER_GROUP,
          "What the nodes whose names fit PATTERN (* and ? stand for any characters, any "
          "character) "
          "are and may. The first group that fits decides. With any such group, or [peers], nodes "
          "that none fits are refused; without, every node with the cookie is a peer with all "
          "rights but host. The rights are explained in doc/security.md.",
          "peer build@*" },
        { "peers", "Nodes that have no group of their own. Each of the two keys needs the other." },
        { "host",
          "Whether other nodes may run CLIs here, as on a remote node of ASM. Who may, can run any "
          "program as the user of this asmd." },
        { "metrics", "An endpoint for Prometheus: GET /metrics." },
        { "log", "The log: standard error, or the journal." },
};

static const AsmConfigRule rules[] = {
        { "node",
          "name",
          ASM_CONFIG_TEXT,
          AT(name),
          .help = "Name of the node. Without a host the one of this machine is added." },
        { "node",
          "long_name",
          ASM_CONFIG_BOOL,
          AT(is_long_name),
          .help = "Whether the node takes part in a cluster of long names (erl -name)." },
        { "node",
          "cookie_file",
          ASM_CONFIG_FILE,
          AT(cookie_file),
          .help = "File with the cookie, mode 0400 or 0600.",
          .unset = "~/.erlang.cookie, which is made if it is missing",
          .sample = "/etc/asmd/cookie" },
        { "node",
          "listen",
          ASM_CONFIG_TEXT,
          AT(listen),
          .help = "Where peers come in: an IPv4 address, or ADDRESS:PORT. Without a port the "
                  "system "
                  "chooses one, which peers learn from epmd." },
        { "node",
          "net_ticktime",
          ASM_CONFIG_UINT,
          AT(node.net_ticktime_s),
          1,
          86400,
          .help = "Seconds after which a silent peer is dropped. The same on all nodes." },
        { "node",
          "setup_timeout_ms",
          ASM_CONFIG_UINT,
          AT(node.setup_timeout_ms),
          100,
          120000,
          .help = "Milliseconds in which a connection must be set up." },
        { "node",
          "start_epmd",
          ASM_CONFIG_BOOL,
          AT(node.start_epmd),
          .help = "Whether to start epmd when none answers." },
        { "node",
          "shutdown_grace_ms",
          ASM_CONFIG_UINT,
          AT(shutdown_grace_ms),
          0,
          DAY_MS,
          LIVE,
          "Milliseconds that runs may go on when asmd is told to stop." },
        { "tls",
          "certificate",
          ASM_CONFIG_FILE,
          AT(tls.certificate),
          .help = "PEM file with the certificate of this node, shown to all peers.",
          .unset = "no TLS",
          .sample = "/etc/asmd/tls/node.pem" },
        { "tls",
          "private_key",
          ASM_CONFIG_FILE,
          AT(tls.private_key),
          .help = "PEM file with its key, which not everybody may read.",
          .unset = "no TLS",
          .sample = "/etc/asmd/tls/node.key" },
        { "tls",
          "authorities",
          ASM_CONFIG_FILE,
          AT(tls.authorities),
          .help = "PEM file with the authorities one of which must have signed the certificate of "
                  "a "
                  "peer. Those of the system do not count.",
          .unset = "no TLS",
          .sample = "/etc/asmd/tls/authorities.pem" },
        { "tls",
          "verify_host",
          ASM_CONFIG_BOOL,
          AT(tls.verify_host),
          .help = "Whether the certificate of a peer that asmd connects to must name the host of "
                  "the peer." },
        { "kits",
          "path",
          ASM_CONFIG_TEXT,
          AT(kit_path),
          .is_live = LIVE,
          .help = "Folders in which kits are looked for, absolute and separated by a colon. The "
                  "variable ASMD_KIT_PATH is a shorter name of ASMD_KITS_PATH.",
          .unset = "asmd/kits in XDG_DATA_HOME and XDG_DATA_DIRS",
          .sample = "/usr/share/asmd/kits:/opt/kits" },
        { "limits",
          "max_connections",
          ASM_CONFIG_UINT,
          AT(node.max_links),
          1,
          65536,
          .help = "Peers." },
        { "limits",
          "max_attempts",
          ASM_CONFIG_UINT,
          AT(node.max_attempts),
          0,
          1000000,
          LIVE,
          "Connections from one address in a second; 0 for any number." },
        { "limits",
          "max_frame",
          ASM_CONFIG_SIZE,
          AT(node.max_frame),
          64 * KIB,
          1024 * MIB,
          .help = "Longest message of a peer." },
        { "limits",
          "high_water",
          ASM_CONFIG_SIZE,
          AT(node.high_water),
          64 * KIB,
          1024 * MIB,
          .help = "Bytes waiting for a peer from which on what feeds it is paused." },
        { "limits",
          "max_held_bytes",
          ASM_CONFIG_SIZE,
          AT(node.max_held),
          64 * KIB,
          1024 * MIB,
          .help = "Bytes that came from a peer for paused runs over which its connection is not "
                  "read." },
        { "limits",
          "max_queued_bytes",
          ASM_CONFIG_SIZE,
          AT(node.max_queued),
          MIB,
          1024 * MIB,
          .help = "Bytes waiting for a peer over which its connection is closed." },
        { "limits",
          "max_mailbox",
          ASM_CONFIG_UINT,
          AT(max_mail),
          16,
          10000000,
          .help = "Messages waiting in one mailbox." },
        { "limits",
          "max_sessions",
          ASM_CONFIG_UINT,
          AT(limits.max_sessions),
          1,
          10000000,
          LIVE,
          "Sessions." },
        { "limits",
          "max_runs",
          ASM_CONFIG_UINT,
          AT(limits.max_runs),
          1,
          10000000,
          LIVE,
          "Runs, waiting ones included." },
        { "limits",
          "max_result",
          ASM_CONFIG_SIZE,
          AT(limits.max_result),
          64 * KIB,
          1024 * MIB,
          LIVE,
          "Text and messages of one result." },
        { "limits",
          "max_subscribers",
          ASM_CONFIG_UINT,
          AT(limits.max_subscribers),
          1,
          100000,
          LIVE,
          "Subscribers of one run." },
        { "limits",
          "max_lag_bytes",
          ASM_CONFIG_SIZE,
          AT(limits.max_lag),
          64 * KIB,
          1024 * MIB,
          LIVE,
          "Bytes of events that are kept for slow subscribers of a run while others keep up. Those "
          "for whom it is not enough get no more events, and are told." },
        { "limits",
          "drop_slow_subscribers",
          ASM_CONFIG_BOOL,
          AT(limits.drops_slow_subscribers),
          .is_live = LIVE,
          .help = "false: no subscriber is left behind, the run waits for the slowest." },
        { "limits",
          "max_history_bytes",
          ASM_CONFIG_SIZE,
          AT(limits.history.max_bytes),
          0,
          1024 * MIB,
          LIVE,
          "Bytes of events and results of runs, active and finished, that can be read again "
          "(attach, logs). Over it the runs that ended first are forgotten, whether their sessions "
          "are still there or not. 0: nothing is kept." },
        { "limits",
          "max_run_history_bytes",
          ASM_CONFIG_SIZE,
          AT(limits.history.max_run_bytes),
          0,
          1024 * MIB,
          LIVE,
          "The same for one run: over it its first events are forgotten, and who reads it is told "
          "how "
          "many." },
        { "limits",
          "max_approvals",
          ASM_CONFIG_UINT,
          AT(limits.max_approvals),
          1,
          100000,
          LIVE,
          "Open approvals of one run." },
        { ASM_CONFIG_PEER_GROUP,
          "rights",
          ASM_CONFIG_PEER,
          .is_live = LIVE,
          .help = RIGHTS_HELP,
          .unset = "none, the key is needed",
          .sample = "control" },
        { ASM_CONFIG_PEER_GROUP,
          "address",
          ASM_CONFIG_PEER,
          .is_live = LIVE,
          .help = "Addresses and networks at which these nodes are, separated by ;.",
          .unset = "any",
          .sample = "10.0.0.0/8;127.0.0.1" },
        { ASM_CONFIG_PEER_GROUP,
          "cookie_file",
          ASM_CONFIG_PEER,
          .is_live = LIVE,
          .help = "File with the cookie of these nodes, mode 0400 or 0600.",
          .unset = "the cookie of [node]",
          .sample = "/etc/asmd/build.cookie" },
        { "peers",
          "allow",
          ASM_CONFIG_NODES,
          AT(allow),
          .is_live = LIVE,
          .help = "Patterns of their names, separated by ;.",
          .unset = "none",
          .sample = "monitor@*;asmctl-*@localhost" },
        { "peers",
          "default_rights",
          ASM_CONFIG_TEXT,
          AT(default_rights),
          .is_live = LIVE,
          .help = "What they may: " RIGHTS_HELP,
          .unset = "none",
          .sample = "query" },
        { "host",
          "enabled",
          ASM_CONFIG_BOOL,
          AT(host.is_enabled),
          .is_live = LIVE,
          .help = "Whether this node hosts CLIs of others." },
        { "host",
          "allow",
          ASM_CONFIG_NODES,
          AT(host_allow),
          .is_live = LIVE,
          .help = "Patterns of the names of the nodes that may, separated by ;. Needed when "
                  "enabled "
                  "is true and there are no groups [peer PATTERN] and [peers]; an error beside "
                  "them, "
                  "where the right host stands for it.",
          .unset = "none",
          .sample = "asm@build1;*@10.0.*" },
        { "host",
          "max_sessions",
          ASM_CONFIG_UINT,
          AT(host.max_sessions),
          1,
          1000000,
          LIVE,
          "CLIs at a time." },
        { "host",
          "headless_timeout_ms",
          ASM_CONFIG_UINT,
          AT(host.headless_timeout_ms),
          0,
          DAY_MS,
          LIVE,
          "Milliseconds that a CLI goes on when nobody listens to it." },
        { "host",
          "otp_release",
          ASM_CONFIG_TEXT,
          AT(host.otp_release),
          .is_live = LIVE,
          .help = "The Erlang/OTP release that callers are told.",
          .unset = "that of the caller",
          .sample = "27" },
        { "metrics",
          "listen",
          ASM_CONFIG_TEXT,
          AT(metrics_listen),
          .help = "ADDRESS:PORT of the endpoint. Whoever can connect to it may read.",
          .unset = "no endpoint",
          .sample = "127.0.0.1:9568" },
        { "metrics",
          "allow_remote",
          ASM_CONFIG_BOOL,
          AT(metrics_allow_remote),
          .help = "Whether listen may be an address that other hosts can reach." },
        { "log",
          "format",
          ASM_CONFIG_CHOICE,
          AT(log_format),
          .is_live = LIVE,
          .help = "text: a line with the time. json: an object per line. journal: records with "
                  "fields, straight to the journal of systemd. auto: journal if standard error "
                  "leads there, else text.",
          .choices = asm_log_format_names },
        { "log",
          "level",
          ASM_CONFIG_CHOICE,
          AT(log_level),
          .is_live = LIVE,
          .help = "The least important lines that are written: error, warning, notice, info (also "
                  "the beginning and end of each session and run, and clients that come and go) or "
                  "debug.",
          .choices = asm_log_level_names },
};

const AsmConfigRule *
asm_config_rules(gsize *ret_n)
{
        *ret_n = G_N_ELEMENTS(rules);
        return rules;
}

const AsmConfigGroup *
asm_config_groups(gsize *ret_n)
{
        *ret_n = G_N_ELEMENTS(groups);
        return groups;
}

gboolean
asm_config_is_peer_group(const char *group)
{
        return g_str_has_prefix(group, ASM_CONFIG_PEER_PREFIX);
}

gboolean
asm_config_is_defaults_group(const char *group)
{
        return strcmp(group, "defaults") == 0 || g_str_has_prefix(group, "defaults ");
}

static gboolean
is_in(const AsmConfigRule *rule, const char *group)
{
        return rule->type == ASM_CONFIG_PEER ? asm_config_is_peer_group(group)
                                             : strcmp(rule->group, group) == 0;
}

const AsmConfigRule *
asm_config_rule_find(const char *group, const char *key)
{
        for (gsize i = 0; i < G_N_ELEMENTS(rules); i++) {
                if (strcmp(rules[i].key, key) == 0 && is_in(&rules[i], group))
                        return &rules[i];
        }
        return NULL;
}

const char *
asm_config_rule_nearest(const char *group, const char *key)
{
        const char *nearest = NULL;
        guint least = G_MAXUINT;

        for (gsize i = 0; i < G_N_ELEMENTS(rules); i++) {
                if (is_in(&rules[i], group) && asm_spelling_is_nearer(key, rules[i].key, &least))
                        nearest = rules[i].key;
        }
        return nearest;
}

gboolean
asm_config_group_is_known(const char *group)
{
        if (asm_config_is_peer_group(group) || asm_config_is_defaults_group(group))
                return TRUE;
        for (gsize i = 0; i < G_N_ELEMENTS(groups); i++) {
                if (strcmp(groups[i].name, group) == 0)
                        return TRUE;
        }
        return FALSE;
}

const char *
asm_config_group_nearest(const char *group)
{
        const char *nearest = NULL;
        guint least = G_MAXUINT;

        for (gsize i = 0; i < G_N_ELEMENTS(groups); i++) {
                if (asm_spelling_is_nearer(group, groups[i].name, &least))
                        nearest = groups[i].name;
        }
        return asm_spelling_is_nearer(group, "defaults", &least) ? "defaults" : nearest;
}
