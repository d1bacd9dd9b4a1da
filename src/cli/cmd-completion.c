/* SPDX-License-Identifier: MIT */

/*
 * `asmctl completion`: the script that a shell loads to complete asmctl's command lines, and, with
 * the words of a line behind it, what that script asks. All that is to be known about commands and
 * options stays in this program: a script only hands the words over and shows what comes back, so
 * it need not be made anew when a command is added.
 *
 * The first line of an answer is KIND, a tab, and what of the last word stays as it is. KIND is
 * "words", and the candidates follow, or "files" or "folders", which the shell looks for itself.
 */

#include "cli/candidates-private.h"
#include "cli/error-private.h"

#include <string.h>

static const char bash_script[] =
        "# bash completion of asmctl; made by 'asmctl completion bash'\n"
        "\n"
        "_asmctl() {\n"
        "        local rest=${COMP_LINE:0:COMP_POINT} words=() answer=() blank word kind kept i\n"
        "        COMPREPLY=()\n"
        "        # bash cuts words at '=', ':' and '@', which belong to them here\n"
        "        for ((i = 0; i <= COMP_CWORD; i++)); do\n"
        "                blank=${rest%%[![:blank:]]*}\n"
        "                rest=${rest#\"$blank\"}\n"
        "                word=${COMP_WORDS[i]}\n"
        "                ((i < COMP_CWORD)) || word=$rest\n"
        "                if ((i == 0)) || [ -n \"$blank\" ]; then\n"
        "                        words+=(\"$word\")\n"
        "                else\n"
        "                        words[${#words[@]} - 1]+=$word\n"
        "                fi\n"
        "                rest=${rest#\"$word\"}\n"
        "        done\n"
        "        mapfile -t answer < <(\"${words[0]/#\\~\\//$HOME/}\" completion bash -- "
        "\"${words[@]:1}\" 2>/dev/null)\n"
        "        ((${#answer[@]})) || return\n"
        "        kind=${answer[0]%%$'\\t'*}\n"
        "        kept=${answer[0]#*$'\\t'}\n"
        "        word=${words[${#words[@]} - 1]}\n"
        "        if [ \"$kind\" = words ]; then\n"
        "                # only what is behind the last cut is replaced\n"
        "                word=${word%\"${word##*[\"$COMP_WORDBREAKS\"]}\"}\n"
        "                for i in \"${answer[@]:1}\"; do COMPREPLY+=(\"${i#\"$word\"}\"); done\n"
        "                [[ ${#COMPREPLY[@]} -ne 1 || ${COMPREPLY[0]} != *= ]] || "
        "compopt -o nospace 2>/dev/null\n"
        "        else\n"
        "                compopt -o filenames 2>/dev/null\n"
        "                [ \"$kind\" = folders ] && kind=-d || kind=-f\n"
        "                mapfile -t COMPREPLY < <(compgen \"$kind\" -- \"${word#\"$kept\"}\")\n"
        "        fi\n"
        "}\n"
        "complete -F _asmctl asmctl\n";

static const char zsh_script[] =
        "#compdef asmctl\n"
        "# zsh completion of asmctl; made by 'asmctl completion zsh'\n"
        "\n"
        "_asmctl() {\n"
        "        local -a before answer\n"
        "        local kind kept\n"
        "        before=(\"${(@Q)words[1,CURRENT-1]}\")\n"
        "        answer=(\"${(@f)$(${~before[1]} completion zsh -- \"${(@)before[2,-1]}\" "
        "\"${(Q)PREFIX}\" 2>/dev/null)}\")\n"
        "        [[ -n $answer[1] ]] || return 1\n"
        "        kind=${answer[1]%%$'\\t'*}\n"
        "        kept=${answer[1]#*$'\\t'}\n"
        "        [[ -z $kept ]] || compset -P \"${(b)kept}\"\n"
        "        shift answer\n"
        "        case $kind in\n"
        "        files) _files ;;\n"
        "        folders) _files -/ ;;\n"
        "        *) if [[ $#answer -gt 0 && $answer[1] == *=(|:*) ]]; then\n"
        "                _describe -V values answer -S ''\n"
        "        else\n"
        "                _describe -V values answer\n"
        "        fi ;;\n"
        "        esac\n"
        "}\n"
        "if [[ $funcstack[1] == _asmctl ]]; then _asmctl \"$@\"; else compdef _asmctl asmctl; fi\n";

static const char fish_script[] =
        "# fish completion of asmctl; made by 'asmctl completion fish'\n"
        "\n"
        "function __asmctl_candidates\n"
        "    set -l words (commandline --tokenize --cut-at-cursor --current-process)\n"
        "    set -l current (commandline --current-token --cut-at-cursor)\n"
        "    set -l program $words[1]\n"
        "    set -e words[1]\n"
        "    set -l answer ($program completion fish -- $words \"$current\" 2>/dev/null)\n"
        "    or return\n"
        "    set -l first (string split \\t -- $answer[1])\n"
        "    set -e answer[1]\n"
        "    switch \"$first[1]\"\n"
        "        case words\n"
        "            printf '%s\\n' $answer\n"
        "        case folders\n"
        "            for path in (__fish_complete_directories (string replace -- \"$first[2]\" '' "
        "\"$current\"))\n"
        "                printf '%s%s\\n' \"$first[2]\" $path\n"
        "            end\n"
        "        case '*'\n"
        "            for path in (__fish_complete_path (string replace -- \"$first[2]\" '' "
        "\"$current\"))\n"
        "                printf '%s%s\\n' \"$first[2]\" $path\n"
        "            end\n"
        "    end\n"
        "end\n"
        "complete --command asmctl --no-files --arguments '(__asmctl_candidates)'\n";

static const char *const scripts[ASM_SHELL_N] = { bash_script, zsh_script, fish_script };

/* bash hands words over as they were typed */
static void
unquote_words(char **words)
{
        for (; *words != NULL; words++) {
                char *plain = g_shell_unquote(*words, NULL);

                if (plain == NULL)
                        continue;
                g_free(*words);
                *words = plain;
        }
}

static void
answer(AsmCli *cli, AsmShell shell, char **words)
{
        g_auto(AsmCandidates) candidates = { 0 };
        g_auto(GStrv) plain = g_strdupv(words);
        g_autofree char *head = NULL;

        if (shell == ASM_SHELL_BASH)
                unquote_words(plain);
        asm_candidates_init(&candidates, shell);
        asm_complete(cli, plain, &candidates);
        head = g_strdup_printf("%s\t%s\n", candidates.kind, candidates.kept);
        asm_output_text(&cli->output, head, strlen(head));
        asm_output_text(&cli->output, candidates.lines->str, candidates.lines->len);
}

static gboolean
run(AsmCli *cli, gconstpointer options, char **operands, GError **error)
{
        for (guint i = 0; i < ASM_SHELL_N; i++) {
                if (strcmp(operands[0], asm_shell_name((AsmShell)i)) != 0)
                        continue;
                if (operands[1] != NULL)
                        answer(cli, (AsmShell)i, operands + 1);
                else
                        asm_output_text(&cli->output, scripts[i], strlen(scripts[i]));
                return TRUE;
        }
        return asm_cli_usage(error,
                             "'%s' is no shell that asmctl has a completion for: bash, zsh, fish",
                             operands[0]);
}

const AsmCliCommand asm_cli_cmd_completion = {
        .name = "completion",
        .operands = "SHELL [WORD]...",
        .min_operands = 1,
        .max_operands = G_MAXUINT,
        .summary = "print the completion script of a shell",
        .help = "SHELL is bash, zsh or fish. Commands, options and their values are completed;\n"
                "sessions, runs, approvals, nodes and providers are those of the daemon, which is\n"
                "asked for half a second at most.\n"
                "\n"
                "An installed asmctl has its scripts where the shells look for them. With the\n"
                "words of a command line behind '--' it prints what the last one may become,\n"
                "which is how the scripts ask.\n",
        .examples = "source <(asmctl completion bash)\n"
                    "asmctl completion zsh >~/.zfunc/_asmctl\n"
                    "asmctl completion fish >~/.config/fish/completions/asmctl.fish\n"
                    "asmctl completion fish -- query --provider c\n",
        .run = run,
};
