import { z } from "zod";
import type { KernelSlot } from "../../kernel/slots.ts";
import { ExpectedError, valueOf } from "../../errors.ts";
import { chooseRunning, looksLikeId } from "../../conversation/choice.ts";
import {
  listKernels as listRunning,
  shutdownKernel as shutDown,
  type Kernel,
} from "../../jupyter/kernels.ts";
import { listKernelspecs } from "../../jupyter/kernelspecs.ts";
import { listSessions } from "../../jupyter/sessions.ts";
import { defineTool, text, type ToolContext } from "../tool.ts";
import { duration, kernelName as nameOf, statusLine } from "../words.ts";
import { conversationHandle, kernelName } from "./arguments.ts";
import { conversationOf } from "./execution.ts";

/** The directory is asked for this many conversations to say whose a kernel is. */
const KNOWN_CONVERSATIONS = 200;

const interruptKernel = defineTool({
  name: "interrupt_kernel",
  title: "Interrupt kernel",
  description:
    "Stop the code that a kernel runs and keep its variables, where the kernel can. Use restart_kernel when it no longer reacts.",
  scopes: ["code:execute"],
  input: z.strictObject({
    conversation: conversationHandle,
    kernel: kernelName.optional(),
  }),
  annotations: {
    readOnlyHint: false,
    destructiveHint: false,
    idempotentHint: true,
    openWorldHint: false,
  },
  worksWhileStopped: true,
  async run({ conversation, kernel }, context) {
    const outcome = await conversationOf(conversation, context).interrupt(kernel);
    const { kernel: interrupted, hasEnded, executions } = valueOf(outcome);
    const lines = [
      hasEnded
        ? `Interrupted ${nameOf(interrupted)}, and its process did not survive it: all its variables, imports and definitions are gone (generation ${interrupted.generation}).`
        : `Interrupted ${nameOf(interrupted)}.`,
    ];
    if (executions.length === 0)
      lines.push("No execution of this conversation was running on it.");
    else lines.push(...executions.map(statusLine));
    if (executions.some(({ state }) => state === "running")) {
      lines.push(
        "Next: It has not reacted yet. get_output waits for it; restart_kernel stops it for good.",
      );
    } else if (executions[0] !== undefined) {
      lines.push(
        `Next: get_output execution: "${executions[0].execution}" shows its output.`,
      );
    }
    return text(lines.join("\n"));
  },
});

const restartKernel = defineTool({
  name: "restart_kernel",
  title: "Restart kernel",
  description:
    "Replace a kernel's process. All its variables, imports and definitions are lost.",
  scopes: ["code:execute"],
  input: z.strictObject({
    conversation: conversationHandle,
    kernel: kernelName.optional(),
  }),
  annotations: {
    readOnlyHint: false,
    destructiveHint: true,
    idempotentHint: true,
    openWorldHint: false,
  },
  worksWhileStopped: true,
  async run({ conversation, kernel }, context) {
    const { kernel: restarted, lost } = valueOf(
      await conversationOf(conversation, context).restart(kernel),
    );
    const running =
      lost.length > 0 ? ` Still running, and lost with it: ${lost.join(", ")}.` : "";
    return text(
      `Restarted ${nameOf(restarted)} (generation ${restarted.generation}): all its variables, imports and definitions are gone.${running}`,
    );
  },
});

const shutdownKernel = defineTool({
  name: "shutdown_kernel",
  title: "Shut down kernel",
  description:
    "End a kernel and free its memory. Without conversation, kernel is an id from list_kernels.",
  scopes: ["code:execute"],
  input: z.strictObject({
    conversation: conversationHandle.optional(),
    kernel: kernelName,
  }),
  annotations: {
    readOnlyHint: false,
    destructiveHint: true,
    idempotentHint: true,
    openWorldHint: false,
  },
  worksWhileStopped: true,
  async run({ conversation, kernel }, context) {
    if (conversation === undefined) {
      const running = await listRunning(context.jupyter);
      const chosen = looksLikeId(kernel) ? chooseRunning(running, kernel) : null;
      if (chosen === null || !(await shutDown(context.jupyter, chosen.id))) {
        throw new ExpectedError({ code: "kernel_not_found", kernel });
      }
      return text(`Shut down ${nameOf({ id: chosen.id, kernelspec: chosen.name })}.`);
    }
    const { kernel: ended, lost } = valueOf(
      await conversationOf(conversation, context).shutdown(kernel),
    );
    const running =
      lost.length > 0 ? ` Still running, and lost with it: ${lost.join(", ")}.` : "";
    return text(`Shut down ${nameOf(ended)}; its variables are gone.${running}`);
  },
});

const listKernels = defineTool({
  name: "list_kernels",
  title: "List kernels",
  description:
    "Running kernels with their state, notebook and conversation, and the kernelspecs that can be started.",
  scopes: ["code:execute"],
  input: z.strictObject({ conversation: conversationHandle.optional() }),
  annotations: {
    readOnlyHint: true,
    destructiveHint: false,
    idempotentHint: true,
    openWorldHint: false,
  },
  async run({ conversation }, context) {
    const [running, specs, sessions, directory, own] = await Promise.all([
      listRunning(context.jupyter),
      listKernelspecs(context.jupyter),
      listSessions(context.jupyter),
      context.workspace.list(KNOWN_CONVERSATIONS),
      conversation === undefined ? [] : ownKernels(conversation, context),
    ]);
    const owners = new Map(
      directory.conversations.flatMap(({ handle, kernels }) =>
        kernels.map(({ id }) => [id, handle] as const),
      ),
    );
    const kernels = running.map((kernel) => ({
      kernel,
      path: sessions.find((session) => session.kernel?.id === kernel.id)?.path ?? null,
      conversation: own.some(({ kernelId }) => kernelId === kernel.id)
        ? (conversation ?? null)
        : (owners.get(kernel.id) ?? null),
    }));
    const now = Date.now();
    const lines = kernels.map(({ kernel, path, conversation: owner }) =>
      [
        nameOf({ id: kernel.id, kernelspec: kernel.name }),
        stateSince(kernel, now),
        ...(path === null || path === "" ? [] : [path]),
        ownerOf(kernel, owner, own),
      ].join(" · "),
    );
    const gone = own.filter((slot) => !running.some(({ id }) => id === slot.kernelId));
    lines.push(
      ...gone.map(
        (slot) =>
          `${nameOf({ id: slot.kernelId, kernelspec: slot.kernelspec })} · gone · this conversation`,
      ),
    );
    const specNames = specs.map(
      ({ name, language }, index) =>
        `${name} (${language}${index === 0 ? ", default" : ""})`,
    );
    return text(
      `${running.length === 0 ? "No kernel is running." : `${running.length} running:`}\n${lines.map((line) => `${line}\n`).join("")}Kernelspecs: ${specNames.join(", ") || "none"}\nNext: run_code with kernel: an id attaches to a running kernel, a kernelspec or language starts one.`,
      {
        "jupyter-edge/kernels": {
          kernels: kernels.map(({ kernel, path, conversation: owner }) => ({
            id: kernel.id,
            kernelspec: kernel.name,
            state: kernel.execution_state,
            lastActivity: kernel.last_activity,
            path,
            conversation: owner,
          })),
          kernelspecs: specs.map(({ name, language }) => ({ name, language })),
        },
      },
    );
  },
});

async function ownKernels(conversation: string, context: ToolContext) {
  return valueOf(await conversationOf(conversation, context).listKernels());
}

function stateSince(kernel: Kernel, now: number): string {
  const since = Date.parse(kernel.last_activity);
  return Number.isNaN(since)
    ? kernel.execution_state
    : `${kernel.execution_state} since ${duration(now - since)}`;
}

function ownerOf(
  kernel: Kernel,
  owner: string | null,
  own: readonly KernelSlot[],
): string {
  const slot = own.find(({ kernelId }) => kernelId === kernel.id);
  if (slot !== undefined) {
    const current = slot === own[0] ? ", current" : "";
    return `this conversation (generation ${slot.generation}${current})`;
  }
  if (owner !== null) return `conversation ${owner}`;
  return (kernel.connections ?? 0) > 0 ? "another client, connected" : "another client";
}

/** What can be done to kernels besides running code in them. */
export const kernelTools = [interruptKernel, restartKernel, shutdownKernel, listKernels];
