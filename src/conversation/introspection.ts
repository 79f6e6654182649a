import { z } from "zod";
import { ExpectedError } from "../errors.ts";
import { patternOfGlob, type Found } from "../introspection/found.ts";
import {
  lookerFor,
  parseKernelInfo,
  type KernelInfo,
} from "../introspection/languages.ts";
import { getKernel } from "../jupyter/kernels.ts";
import type { JupyterServer } from "../jupyter/server.ts";
import type { KernelConnection } from "../kernel/connection.ts";
import type { Journal } from "../kernel/journal.ts";
import type { Answer } from "../kernel/questions.ts";
import type { KernelSlot, KernelSlots } from "../kernel/slots.ts";
import { representationOf } from "../output/mime.ts";
import { kernelView, type KernelView } from "./view.ts";

/** What a look into a kernel needs of its conversation. */
export interface IntrospectionHost {
  readonly server: JupyterServer;
  readonly journal: Journal;
  readonly slots: KernelSlots;
  connection(slot: number): KernelConnection;
  /** What a call is told whose kernel turned out to be gone. */
  goneError(slot: KernelSlot): ExpectedError;
}

/** Whose answer it is. */
interface FromKernel {
  readonly kernel: KernelView;
  /** Whether its process turned out to be another one than the conversation knew. */
  readonly isNewGeneration: boolean;
}

/** What a look at a kernel's variables found. */
export interface Variables extends FromKernel {
  readonly found: Exclude<Found, { readonly similar: unknown }>;
}

/** What is asked of a kernel about code. `cursor` counts characters (code points) before it. */
export interface InspectRequest {
  readonly code: string;
  readonly cursor: number;
  readonly mode: "help" | "source" | "complete";
}

/** What a kernel says about the code at a cursor. */
export interface Inspected extends FromKernel {
  /** Documentation or source as text, and how many characters of it are left out; null where it has none. */
  readonly help: { readonly text: string; readonly omitted: number } | null;
  readonly completions: {
    readonly matches: readonly { readonly text: string; readonly type: string }[];
    /** What a match would replace, in characters of the code. */
    readonly start: number;
    readonly end: number;
  } | null;
}

const inspectReplySchema = z.object({
  found: z.boolean().catch(false),
  data: z.record(z.string(), z.unknown()).catch({}),
});

const completeReplySchema = z.object({
  matches: z.array(z.string()).catch([]),
  cursor_start: z.number().catch(0),
  cursor_end: z.number().catch(0),
  metadata: z.record(z.string(), z.unknown()).catch({}),
});

/** What several kernels tell of each match, beside what the specification names. */
const TYPES_KEY = "_jupyter_types_experimental";
const typesSchema = z
  .array(z.object({ text: z.string(), type: z.string().catch("") }))
  .catch([]);

/** The beginning of a documentation says what matters. */
const MAX_HELP_CHARS = 10_000;

/**
 * A question changes nothing, so it is asked once more where the kernel dropped it,
 * as it does when another client's run fails, and where its connection broke.
 */
const ATTEMPTS = 2;
/** Jupyter itself hears a little later than we do that a kernel is idle again. */
const LOOKS = 4;
const LOOK_AGAIN_MS = 100;

/** Asks the kernels of a conversation what they know, without running anything of the user's. */
export class Introspection {
  readonly #host: IntrospectionHost;
  /** By the id of the kernel, which keeps its kind when its process is replaced. */
  readonly #infos = new Map<string, KernelInfo>();

  constructor(host: IntrospectionHost) {
    this.#host = host;
  }

  /**
   * The variables whose name matches a glob, or one of them in detail.
   *
   * @throws {ExpectedError} where the kernel is busy, of a kind whose variables
   *   cannot be looked at, or has none of that name
   */
  async variables(
    slot: KernelSlot,
    name: string | null,
    pattern: string,
  ): Promise<Variables> {
    await this.#throwIfBusy(slot);
    const info = await this.#infoOf(slot);
    const asked = { name, pattern: patternOfGlob(pattern) };
    const found = await lookerFor(info)?.(asked, (msgType, content) =>
      this.#ask(slot, msgType, content),
    );
    if (found === undefined || found === null) {
      const { kernelspec } = slot;
      const language = info.language_info.name || slot.language;
      throw new ExpectedError({ code: "variables_not_known", kernelspec, language });
    }
    if ("similar" in found)
      throw new ExpectedError({
        code: "variable_not_found",
        name: name ?? "",
        similar: found.similar,
      });
    return { ...this.#whose(slot), found };
  }

  /**
   * What the kernel itself says about code.
   *
   * @throws {ExpectedError} where it is busy, or does not know such requests
   */
  async inspect(slot: KernelSlot, request: InspectRequest): Promise<Inspected> {
    const { code, cursor: cursor_pos, mode } = request;
    await this.#throwIfBusy(slot);
    if (mode === "complete") {
      const reply = await this.#replyTo(slot, "complete_request", { code, cursor_pos });
      const parsed = completeReplySchema.parse(reply);
      const types = typesSchema.parse(parsed.metadata[TYPES_KEY]);
      const matches = parsed.matches.map((text, index) => {
        return { text, type: types[index]?.type ?? "" };
      });
      const { cursor_start: start, cursor_end: end } = parsed;
      return { ...this.#whose(slot), help: null, completions: { matches, start, end } };
    }
    const detail_level = mode === "source" ? 1 : 0;
    const content = { code, cursor_pos, detail_level };
    const reply = await this.#replyTo(slot, "inspect_request", content);
    const { found, data } = inspectReplySchema.parse(reply);
    return { ...this.#whose(slot), help: found ? helpOf(data) : null, completions: null };
  }

  async #replyTo(
    slot: KernelSlot,
    request: string,
    content: Readonly<Record<string, unknown>>,
  ): Promise<NonNullable<Answer["reply"]>> {
    const { reply } = await this.#ask(slot, request, content);
    if (reply !== null) return reply;
    const { kernelspec } = slot;
    throw new ExpectedError({ code: "request_not_known", kernelspec, request });
  }

  async #ask(
    slot: KernelSlot,
    msgType: string,
    content: Readonly<Record<string, unknown>>,
  ): Promise<Answer> {
    for (let attempt = 1; ; attempt += 1) {
      const isLast = attempt === ATTEMPTS;
      try {
        const answer = await this.#host.connection(slot.slot).ask(msgType, content);
        if (isLast || answer.reply?.["status"] !== "aborted") return answer;
      } catch (error) {
        if (isLast || !isLostConnection(error)) throw error;
      }
    }
  }

  async #infoOf(slot: KernelSlot): Promise<KernelInfo> {
    const known = this.#infos.get(slot.kernelId);
    if (known !== undefined) return known;
    const info = parseKernelInfo(
      (await this.#ask(slot, "kernel_info_request", {})).reply,
    );
    this.#infos.set(slot.kernelId, info);
    return info;
  }

  /** A kernel does one thing after the other: what it is asked while it runs would wait, perhaps for hours. */
  async #throwIfBusy(kernelSlot: KernelSlot): Promise<void> {
    const { slot, kernelId, gone } = kernelSlot;
    if (gone) throw this.#host.goneError(kernelSlot);
    const running = this.#host.journal.unfinished().find((each) => each.slot === slot);
    if (running !== undefined) {
      const isWaiting = running.state === "waiting for input";
      const execution = `e${running.number}`;
      throw new ExpectedError({
        code: "kernel_busy",
        kernel: kernelId,
        execution,
        isWaiting,
      });
    }
    for (let look = 1; look <= LOOKS; look += 1) {
      if (look > 1) await scheduler.wait(LOOK_AGAIN_MS);
      const kernel = await getKernel(this.#host.server, kernelId);
      if (kernel === null) throw this.#host.goneError(kernelSlot);
      if (kernel.execution_state !== "busy") return;
    }
    throw new ExpectedError({
      code: "kernel_busy",
      kernel: kernelId,
      execution: null,
      isWaiting: false,
    });
  }

  #whose(before: KernelSlot): FromKernel {
    const slot = this.#host.slots.get(before.slot) ?? before;
    return {
      kernel: kernelView(slot),
      isNewGeneration: slot.generation > before.generation,
    };
  }
}

function isLostConnection(error: unknown): boolean {
  return error instanceof ExpectedError && error.failure.code === "connection_lost";
}

function helpOf(data: Readonly<Record<string, unknown>>): Inspected["help"] {
  const shown = representationOf(data);
  const text = (shown.kind === "text" ? shown.text : (shown.alt ?? "")).trimEnd();
  if (text === "") return null;
  const kept = text.slice(0, MAX_HELP_CHARS);
  return { text: kept, omitted: text.length - kept.length };
}
