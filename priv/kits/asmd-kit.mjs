// SPDX-License-Identifier: MIT
//
// The lines between asmd and a kit (doc/kits.md), for kits in JavaScript.
//
//     runKit({
//       async start(request, kit) { ... },   // resolves when all has been told
//       input(text), interrupt(), close(),   // optional; text null: no more
//     });
//
// Writes to a pipe block, so a kit is as slow as whoever reads its run and nothing piles up here.

import { writeSync } from "node:fs";
import { createInterface } from "node:readline";

const PROTOCOL = 1;

class Kit {
  #approvals = new Map();
  hasEnded = false;

  #say(message) {
    let bytes = Buffer.from(JSON.stringify(message) + "\n");
    while (bytes.length > 0) {
      try {
        bytes = bytes.subarray(writeSync(1, bytes));
      } catch (error) {
        if (error.code === "EAGAIN") continue;
        process.exit(0); // nobody listens any more
      }
    }
  }

  ready() {
    this.#say({ type: "ready", version: PROTOCOL });
  }

  // more: { sessionId, raw }
  event(kind, payload, more = {}) {
    if (this.hasEnded) return;
    this.hasEnded = kind === "result" || kind === "error";
    this.#say({ type: "event", kind, payload, provider_session_id: more.sessionId, raw: more.raw });
  }

  // before ready(): the kit does not start; after it: the run has failed
  error(code, message, severity = "fatal") {
    if (this.hasEnded) return;
    this.hasEnded = true;
    this.#say({ type: "error", code, message, severity });
  }

  // { allow, reason } when somebody has decided; signal: nobody needs to any more
  ask(id, subject, toolInput, signal) {
    return new Promise((resolve) => {
      this.#approvals.set(id, resolve);
      signal?.addEventListener("abort", () => {
        if (!this.#approvals.delete(id)) return;
        this.event("approval_resolved", { approval_id: id, decision: "deny", reason: "cancelled" });
        resolve({ allow: false, reason: "cancelled" });
      });
      this.event("approval_requested", { approval_id: id, subject, details: { tool_input: toolInput } });
    });
  }

  decide(message) {
    const resolve = this.#approvals.get(message.approval_id);
    this.#approvals.delete(message.approval_id);
    resolve?.({ allow: message.decision === "allow", reason: message.reason ?? "denied" });
  }
}

function textOf(text) {
  return text?.base64 !== undefined ? Buffer.from(text.base64, "base64").toString("utf8") : text;
}

export function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}

export function runKit(agent) {
  const kit = new Kit();
  const lines = createInterface({ input: process.stdin, crlfDelay: Infinity });
  let isClosed = false;

  async function start(request) {
    if (request.version !== PROTOCOL) {
      kit.error("config_invalid", `this kit speaks version ${PROTOCOL}, asmd version ${request.version}`);
      return;
    }
    try {
      await agent.start(request, kit);
    } catch (error) {
      kit.error(error.code === "config_invalid" ? "config_invalid" : "unknown", messageOf(error));
    }
  }

  function close() {
    if (isClosed) return;
    isClosed = true;
    agent.close?.();
  }

  lines.on("line", (line) => {
    const message = JSON.parse(line);
    switch (message.type) {
      case "start":
        start(message).then(() => lines.close());
        break;
      case "approve":
        kit.decide(message);
        break;
      case "input":
        agent.input?.(textOf(message.text));
        break;
      case "interrupt":
        agent.interrupt?.();
        break;
      case "close":
        close();
        break;
    }
  });
  // the end of stdin means: leave
  lines.on("close", close);
}

// a mistake in the options: the run is refused with this text
export function refuse(message) {
  return Object.assign(new Error(message), { code: "config_invalid" });
}
