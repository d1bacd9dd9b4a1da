#!/usr/bin/env node
// SPDX-License-Identifier: MIT
//
// codex by OpenAI's SDK: one turn of a thread. The SDK runs `codex exec`, which asks nobody for permission:
// what it may do is decided by its sandbox and its approval policy before it starts.

import { Codex } from "@openai/codex-sdk";
import { refuse, runKit } from "./asmd-kit.mjs";

const MODES = {
  default: {},
  bypass: { sandboxMode: "danger-full-access", approvalPolicy: "never" },
  yolo: { sandboxMode: "danger-full-access", approvalPolicy: "never" },
};

function permission(given = "default") {
  if (Object.hasOwn(MODES, given)) return MODES[given];
  throw refuse(`option permission_mode: the SDK has no mode '${given}', expected one of ${Object.keys(MODES).join(", ")}`);
}

function defined(object) {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined && value !== null));
}

function threadOptions(request) {
  const given = request.options;
  return defined({
    workingDirectory: request.cwd,
    model: given.model_payload?.resolved_model ?? given.model,
    modelReasoningEffort: given.model_payload?.reasoning ?? given.reasoning_effort,
    skipGitRepoCheck: given.skip_git_repo_check === true ? true : undefined,
    ...(given.completion_only === true
      ? { sandboxMode: "read-only", approvalPolicy: "never", webSearchMode: "disabled" }
      : permission(given.permission_mode ?? undefined)),
  });
}

// what an item says as a call of a tool; null: it is none
function toolOf(item) {
  switch (item.type) {
    case "command_execution":
      return { name: "command_execution", input: { command: item.command } };
    case "file_change":
      return { name: "file_change", input: { changes: item.changes } };
    case "mcp_tool_call":
      return { name: item.tool, input: item.arguments ?? {} };
    case "web_search":
      return { name: "web_search", input: { query: item.query } };
    default:
      return null;
  }
}

function outcomeOf(item) {
  switch (item.type) {
    case "command_execution":
      return item.aggregated_output;
    case "mcp_tool_call":
      return item.error?.message ?? item.result ?? null;
    default:
      return item.status ?? null;
  }
}

function isFailed(item) {
  return item.status === "failed" || (item.exit_code ?? 0) !== 0;
}

const calls = new Set();
const abort = new AbortController();
let lastMessage = "";
let isInterrupted = false;

function onTool(kit, event, tool, more) {
  const { item } = event;
  if (!calls.has(item.id)) {
    calls.add(item.id);
    kit.event("tool_use", { tool_name: tool.name, tool_call_id: item.id, input: tool.input }, more);
  }
  if (event.type === "item.completed")
    kit.event("tool_result", { tool_call_id: item.id, content: outcomeOf(item), is_error: isFailed(item) }, more);
}

function onItem(kit, event, more) {
  const { item } = event;
  const tool = toolOf(item);
  if (tool) {
    onTool(kit, event, tool, more);
  } else if (event.type === "item.completed" && item.type === "agent_message") {
    lastMessage = item.text;
    kit.event("assistant_message", { content: item.text }, more);
  } else if (event.type === "item.completed" && item.type === "reasoning") {
    kit.event("thinking", { content: item.text }, more);
  } else {
    kit.event("raw", { content: event }, more);
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function failureCode(text) {
  if (/\b401\b|authenticat|unauthorized|api key|log ?in/i.test(text)) return "auth_error";
  if (/\b429\b|rate.?limit/i.test(text)) return "rate_limit";
  return "unknown";
}

function tell(kit, request, event, more) {
  if (event.item) {
    onItem(kit, event, more);
  } else if (event.type === "turn.completed") {
    const { input_tokens, output_tokens } = event.usage;
    kit.event(
      "result",
      {
        stop_reason: "end_turn",
        object: request.options.output_schema ? parsed(lastMessage) : null,
        output: { usage: { input_tokens, output_tokens } },
      },
      more,
    );
  } else if (event.type === "turn.failed") {
    kit.event("error", { code: failureCode(event.error.message), message: event.error.message }, more);
  } else {
    // "error" as well: codex tells of each lost connection so, and then of the turn
    kit.event("raw", { content: event }, more);
  }
}

async function start(request, kit) {
  const given = request.options;
  const codex = new Codex(
    defined({ codexPathOverride: request.cli_path, configOverrides: given.config }),
  );
  const options = threadOptions(request);
  const thread = given.resume ? codex.resumeThread(given.resume, options) : codex.startThread(options);
  kit.ready();
  try {
    const turn = await thread.runStreamed(request.prompt, defined({ outputSchema: given.output_schema, signal: abort.signal }));
    for await (const event of turn.events) tell(kit, request, event, { sessionId: thread.id ?? undefined, raw: event });
  } catch (error) {
    if (isInterrupted) kit.error("user_cancelled", "interrupted", "warning");
    else kit.error(failureCode(error.message), error.message);
  }
  kit.error("transport_error", "the SDK ended without a result");
}

runKit({
  start,
  interrupt() {
    isInterrupted = true;
    abort.abort();
  },
  close: () => abort.abort(),
});
