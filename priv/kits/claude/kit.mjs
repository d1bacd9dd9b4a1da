#!/usr/bin/env node
// SPDX-License-Identifier: MIT
//
// claude by Anthropic's Agent SDK. Its messages are those of the CLI (stream-json), so they become the
// same events; permissions are asked for by canUseTool. The prompt is a stream of user messages
// that stays open until the run is over: only so the SDK can be interrupted and asked.

import { query } from "@anthropic-ai/claude-agent-sdk";
import { messageOf, refuse, runKit } from "./asmd-kit.mjs";

const MODES = {
  default: "default",
  auto: "acceptEdits",
  accept_edits: "acceptEdits",
  acceptEdits: "acceptEdits",
  dont_ask: "dontAsk",
  dontAsk: "dontAsk",
  bypass: "bypassPermissions",
  bypass_permissions: "bypassPermissions",
  bypassPermissions: "bypassPermissions",
  plan: "plan",
};

function permissionMode(given = "default") {
  if (Object.hasOwn(MODES, given)) return MODES[given];
  throw refuse(`option permission_mode: the SDK has no mode '${given}', expected one of ${Object.keys(MODES).join(", ")}`);
}

function sdkOptions(request) {
  const given = request.options;
  const isBare = given.completion_only === true;
  const mode = isBare ? "plan" : permissionMode(given.permission_mode ?? undefined);
  const options = {
    cwd: request.cwd ?? undefined,
    pathToClaudeCodeExecutable: request.cli_path ?? undefined,
    includePartialMessages: true,
    model: given.model_payload?.resolved_model ?? given.model ?? undefined,
    effort: given.model_payload?.reasoning ?? given.effort ?? undefined,
    maxTurns: given.max_turns ?? undefined,
    resume: given.resume ?? undefined,
    permissionMode: mode,
    allowDangerouslySkipPermissions: mode === "bypassPermissions",
    settingSources: isBare ? [] : ["user", "project", "local"],
    systemPrompt: given.system_prompt ?? {
      type: "preset",
      preset: "claude_code",
      append: given.append_system_prompt ?? undefined,
    },
    thinking: given.include_thinking === true ? { type: "adaptive", display: "summarized" } : undefined,
    outputFormat: given.output_schema ? { type: "json_schema", schema: given.output_schema } : undefined,
    stderr: (text) => process.stderr.write(text),
  };
  if (isBare) options.tools = [];
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

// user messages, handed on as they come
class Inbox {
  #waiting = [];
  #wake = null;
  #isEnded = false;

  push(text) {
    this.#waiting.push({
      type: "user",
      message: { role: "user", content: [{ type: "text", text }] },
      parent_tool_use_id: null,
    });
    this.#wake?.();
  }

  end() {
    this.#isEnded = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator]() {
    for (;;) {
      while (this.#waiting.length > 0) yield this.#waiting.shift();
      if (this.#isEnded) return;
      await new Promise((resolve) => (this.#wake = resolve));
    }
  }
}

const inbox = new Inbox();
let session = null;
let isInterrupted = false;

function onAssistant(kit, message, more) {
  const blocks = message.message.content;
  for (const block of blocks.filter((b) => b.type === "thinking"))
    kit.event("thinking", { content: block.thinking, signature: block.signature }, { ...more, raw: block });
  kit.event("assistant_message", { content: blocks, model: message.message.model }, more);
  for (const block of blocks.filter((b) => b.type === "tool_use"))
    kit.event("tool_use", { tool_name: block.name, tool_call_id: block.id, input: block.input }, { ...more, raw: block });
}

function onUser(kit, message, more) {
  const content = message.message.content;
  const results = Array.isArray(content) ? content.filter((b) => b.type === "tool_result") : [];
  for (const block of results)
    kit.event(
      "tool_result",
      { tool_call_id: block.tool_use_id, content: block.content ?? null, is_error: block.is_error === true },
      { ...more, raw: block },
    );
  if (results.length === 0) kit.event("user_message", { content }, more);
}

function onStream(kit, message, more) {
  const { event } = message;
  if (event.type === "content_block_delta" && event.delta.type === "text_delta")
    kit.event("assistant_delta", { content: event.delta.text, index: event.index }, more);
  else kit.event("raw", { content: message }, more);
}

function failureCode(message) {
  const text = (message.result ?? message.errors?.join(" ") ?? "").toLowerCase();
  if (isInterrupted) return "user_cancelled";
  if (/\b401\b|authenticat|log ?in|api key/.test(text)) return "auth_error";
  if (/rate.?limit|usage limit|\b429\b/.test(text)) return "rate_limit";
  return "unknown";
}

function onResult(kit, message, more) {
  if (message.is_error || message.subtype !== "success") {
    const text = isInterrupted ? "interrupted" : message.result || message.errors?.join("; ") || message.subtype;
    kit.event(
      "error",
      { code: failureCode(message), message: text, severity: isInterrupted ? "warning" : "fatal" },
      more,
    );
    return;
  }
  kit.event(
    "result",
    {
      stop_reason: message.stop_reason,
      object: message.structured_output ?? null,
      output: {
        duration_ms: message.duration_ms,
        total_cost_usd: message.total_cost_usd,
        usage: { input_tokens: message.usage.input_tokens, output_tokens: message.usage.output_tokens },
      },
    },
    more,
  );
}

const HANDLERS = { assistant: onAssistant, user: onUser, stream_event: onStream, result: onResult };

function tell(kit, message) {
  const handler = Object.hasOwn(HANDLERS, message.type) ? HANDLERS[message.type] : null;
  const more = { sessionId: message.session_id, raw: message };
  if (handler) handler(kit, message, more);
  else kit.event("raw", { content: message }, more);
}

async function start(request, kit) {
  const options = sdkOptions(request);
  options.canUseTool = async (toolName, input, { signal, requestId, toolUseID }) => {
    const { allow, reason } = await kit.ask(requestId ?? toolUseID, toolName, input, signal);
    return allow ? { behavior: "allow", updatedInput: input } : { behavior: "deny", message: reason };
  };
  inbox.push(request.prompt);
  session = query({ prompt: inbox, options });
  kit.ready();
  try {
    for await (const message of session) {
      tell(kit, message);
      if (kit.hasEnded) inbox.end();
    }
  } catch (error) {
    if (isInterrupted) kit.error("user_cancelled", "interrupted", "warning");
    throw error;
  }
  kit.error("transport_error", "the SDK ended without a result");
  session = null;
}

runKit({
  start,
  input: (text) => (text === null ? inbox.end() : inbox.push(text)),
  interrupt() {
    isInterrupted = true;
    session?.interrupt().catch((error) => process.stderr.write(`interrupt: ${messageOf(error)}\n`));
  },
  close() {
    inbox.end();
    session?.close();
  },
});
