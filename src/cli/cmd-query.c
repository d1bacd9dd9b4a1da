/* SPDX-License-Identifier: MIT */

/*
 * `asmctl query`: the answer to a prompt on standard output, as it comes. What it is for: a person
 * at a terminal, and a script that wants the text: TEXT=$(asmctl query "...").
 */

#include "cli/query-private.h"

static gboolean
run(AsmCli *cli, gconstpointer options, char **operands, GError **error)
{
        return asm_cli_query(cli, options, operands, ASM_PRINT_TEXT, error);
}

const AsmCliCommand asm_cli_cmd_query = {
        .name = "query",
        .operands = "[PROMPT]",
        .max_operands = 1,
        .summary = "run a prompt, print the answer as it comes",
        .help = "The prompt is the operand, or standard input, less a newline at its end, if\n"
                "there is none or it is '-'. The assistant's text goes to standard output and\n"
                "nothing else. It ends in a newline, also if the model's does not; where a tool\n"
                "call interrupts it, it goes on with a new line.\n"
                "\n"
                "Tool calls, failed tools, requests for approval and what the provider says on\n"
                "its standard error are lines of standard error; the last one has the run's id,\n"
                "its time and, as far as they are known, tokens and cost. On a terminal a tool\n"
                "call has a spinner and its time, what the agent thinks is folded into a line\n"
                "unless -v is given, and at the bottom run the time, tokens and cost. With a pipe\n"
                "behind it nothing moves and there are no escape sequences.\n"
                "\n"
                "When the agent waits for permission to use a tool, and there is a terminal, the\n"
                "tool and its input, a command or the lines that an edit changes, are shown with\n"
                "the question 'allow? [y/n]'. Ctrl-D leaves the answer to others; what was typed\n"
                "before the question is no answer. Without a terminal, or in the background, the\n"
                "'asmctl approve' that answers is shown instead.\n"
                "\n"
                "With --json every event is a line, the last one is the result or the error, as\n"
                "its __struct__ tells. With --schema the object, a line of JSON, is all that goes\n"
                "to standard output, and a provider that answers with text only is an error.\n"
                "\n"
                "A value of --set that is JSON is sent as what it says, any other as text:\n"
                "max_turns=3 is a number, KEY='\"3\"' the text 3. 'asmctl providers PROVIDER' "
                "shows\n"
                "what there is to set. A relative --cwd is seen from here, and not allowed with\n"
                "--remote. --resume takes the session_id_from_cli of a result.\n"
                "\n"
                "The first ctrl-C, SIGTERM or SIGHUP interrupts the run and waits for its end, 5\n"
                "seconds at most; the second one leaves at once.\n",
        .examples =
                "asmctl query --cwd . \"which licence has this project?\"\n"
                "asmctl query --provider codex --remote backend@build1 \"mend the failing test\"\n"
                "asmctl --json query --model opus \"say hello\" | tail -n 1\n",
        .options = asm_cli_query_options,
        .options_size = sizeof(AsmCliRequest),
        .run = run,
};
