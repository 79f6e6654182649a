import { ExpectedError } from "../errors.ts";
import {
  listKernels,
  shutdownKernel,
  startKernel,
  type Kernel,
} from "../jupyter/kernels.ts";
import {
  findKernelspec,
  matchingKernelspecs,
  listKernelspecs,
  type Kernelspec,
} from "../jupyter/kernelspecs.ts";
import type { JupyterServer } from "../jupyter/server.ts";
import {
  findSession,
  startSession,
  type JupyterSession,
  type SessionKernel,
} from "../jupyter/sessions.ts";
import { shortKernel, type Log } from "../log.ts";
import type { KernelSlot, KernelSlots } from "../kernel/slots.ts";
import { chooseOwn, chooseRunning, looksLikeId, parseWish } from "./choice.ts";

/** Kernelspecs change when somebody installs one: rarely, and then a minute is soon. */
const KERNELSPECS_TTL_MS = 60_000;

/** A kernel that is only acted upon does not become the one that the next run goes to. */
const NOT_USED = 0;

/** The kernel for a run, and whether it was started for it, in a place of its own. */
export interface ForRun {
  readonly slot: KernelSlot;
  readonly isStarted: boolean;
}

/** The kernel of a notebook, with the id of the Jupyter session that ties them. */
export interface ForNotebook extends ForRun {
  readonly session: string;
}

/** The kernel that a notebook's session was seen to have. */
export interface SeenKernel {
  readonly kernel: Kernel;
  readonly session: string;
  readonly at: number;
}

/** What was seen this recently need not be looked at again. */
const SEEN_FOR_MS = 500;

/** What decides on a notebook's kernel: what its metadata names, and what a call asks for. */
type NotebookWish = readonly [
  path: string,
  kernelspec: { readonly name: string; readonly language: string } | null,
  kernel: string | undefined,
];

/** Finds the kernel that a call means, and starts or attaches to it where that is asked for. */
export class ConversationKernels {
  readonly #server: JupyterServer;
  readonly #slots: KernelSlots;
  readonly #now: () => number;
  readonly #hasEnded: () => boolean;
  readonly #log: Log;
  #kernelspecs: { readonly list: readonly Kernelspec[]; readonly until: number } | null =
    null;

  constructor(
    server: JupyterServer,
    slots: KernelSlots,
    now: () => number,
    hasEnded: () => boolean,
    log: Log,
  ) {
    this.#log = log;
    this.#hasEnded = hasEnded;
    this.#server = server;
    this.#slots = slots;
    this.#now = now;
  }

  /**
   * The kernel that a run goes to. A kernel of ours that is gone is first told
   * of, so that code that counts on its variables does not run without them;
   * the next run gets a new one in its place.
   */
  async forRun(kernel: string | undefined): Promise<ForRun> {
    const wish = parseWish(kernel);
    if (wish.kind === "new") return this.#start(await this.#find(wish.name));
    if (wish.kind === "current") {
      const [current] = this.#slots.all();
      return current === undefined ? this.#start(null) : this.#alive(current);
    }
    const own = chooseOwn(this.#slots.all(), wish.name);
    if (own !== null) return this.#alive(own);
    const attached = await this.#attach(wish.name, this.#now());
    if (attached !== null) return { slot: attached, isStarted: false };
    const same = await this.#ownOtherwiseNamed(wish.name);
    return same === null ? this.#start(await this.#find(wish.name)) : this.#alive(same);
  }

  /**
   * The kernel of a notebook's own session, which whoever opens the notebook
   * joins; the session is started where there is none. It is never given another
   * kernel, for Jupyter would shut down the one that it has.
   *
   * @throws {ExpectedError} `notebook_has_kernel` where another one is asked for
   */
  async forNotebook(...[path, kernelspec, kernel]: NotebookWish): Promise<ForNotebook> {
    const { session, running, wanted } = await this.#ofNotebook(
      await this.sessionOf(path),
      path,
      kernelspec,
      kernel,
    );
    if (session !== null && running !== null)
      return { ...(await this.#adopt(running, false)), session: session.id };
    const asked = wanted ?? { name: (await this.#specs())[0]?.name ?? "python3" };
    const before = new Set((await listKernels(this.#server)).map(({ id }) => id));
    const begunAt = this.#now();
    const started = await startSession(this.#server, path, asked);
    if (started.kernel === null)
      throw new ExpectedError({
        code: "kernel_start_failed",
        kernelspec: "",
        detail: "",
      });
    // Somebody else may have opened the notebook at the same moment.
    const isStarted = "name" in asked && !before.has(started.kernel.id);
    if (isStarted) this.#tellStarted(started.kernel, begunAt);
    return { ...(await this.#adopt(started.kernel, isStarted)), session: started.id };
  }

  /**
   * Throws what {@link forNotebook} would throw before it starts anything. Null where
   * it would start something.
   *
   * @param asked the notebook's session, where that was asked for beside something else
   */
  async checkNotebook(
    asked: Promise<JupyterSession | null>,
    ...[path, kernelspec, kernel]: NotebookWish
  ): Promise<SeenKernel | null> {
    const { session, running } = await this.#ofNotebook(
      await asked,
      path,
      kernelspec,
      kernel,
    );
    if (session === null || running === null) return null;
    return { kernel: running, session: session.id, at: this.#now() };
  }

  /** The session of a notebook, if it has one. */
  sessionOf(path: string): Promise<JupyterSession | null> {
    return findSession(this.#server, path);
  }

  /** The kernel that was seen a moment ago; null where it may be another one by now. */
  async seenForNotebook(seen: SeenKernel | null): Promise<ForNotebook | null> {
    if (seen === null || this.#now() - seen.at > SEEN_FOR_MS) return null;
    return { ...(await this.#adopt(seen.kernel, false)), session: seen.session };
  }

  /**
   * The kernel of this conversation that a call is about, without starting any.
   *
   * @throws {ExpectedError} where the conversation has no such kernel
   */
  existing(kernel: string | undefined, conversation: string): KernelSlot {
    const slots = this.#slots.all();
    const slot = kernel === undefined ? (slots[0] ?? null) : chooseOwn(slots, kernel);
    if (slot !== null) return slot;
    throw new ExpectedError(
      kernel === undefined
        ? { code: "no_kernel", conversation }
        : { code: "kernel_not_found", kernel },
    );
  }

  /** As {@link existing}, or a kernel of the server that an id means, which is then this conversation's too. */
  async attached(kernel: string | undefined, conversation: string): Promise<KernelSlot> {
    const isOwn = kernel === undefined || chooseOwn(this.#slots.all(), kernel) !== null;
    if (isOwn) return this.existing(kernel, conversation);
    const attached = await this.#attach(kernel, NOT_USED);
    const same = attached ?? (await this.#ownOtherwiseNamed(kernel));
    return same ?? this.existing(kernel, conversation);
  }

  async #alive(slot: KernelSlot): Promise<ForRun> {
    if (!slot.gone) return { slot, isStarted: false };
    if (!slot.toldGone) {
      this.#slots.tellGone(slot.slot);
      throw goneError(slot);
    }
    const kernel = await this.#startUnlessEnded(slot.kernelspec);
    const replaced = this.#slots.replaceKernel(slot.slot, kernel.id, this.#now());
    return { slot: replaced, isStarted: false };
  }

  async #attach(name: string, usedAt: number): Promise<KernelSlot | null> {
    if (!looksLikeId(name)) return null;
    const running = chooseRunning(await listKernels(this.#server), name);
    if (running === null) {
      const specs = await this.#specs();
      if (matchingKernelspecs(specs, name).length > 0) return null;
      throw new ExpectedError({ code: "kernel_not_found", kernel: name });
    }
    const spec = (await this.#specs()).find(
      (candidate) => candidate.name === running.name,
    );
    return this.#slots.add({
      kernelId: running.id,
      kernelspec: running.name,
      language: spec?.language ?? "",
      startedHere: false,
      now: usedAt,
    });
  }

  /** A notebook's session and its kernel as they are, and the one that it is to get where it has none. */
  async #ofNotebook(
    session: JupyterSession | null,
    ...[path, kernelspec, kernel]: NotebookWish
  ) {
    const running = session?.kernel ?? null;
    const wanted = await this.#sessionKernel(kernel, kernelspec, running);
    if (running === null || wanted === null) return { session, running, wanted };
    throw new ExpectedError({
      code: "notebook_has_kernel",
      path,
      kernel: running.id,
      kernelspec: running.name,
    });
  }

  /** What a notebook's session needs; null where it has the kernel that is meant. */
  async #sessionKernel(
    kernel: string | undefined,
    kernelspec: { readonly name: string; readonly language: string } | null,
    running: Kernel | null,
  ): Promise<SessionKernel | null> {
    const wish = parseWish(kernel);
    if (wish.kind === "new") return { name: (await this.#find(wish.name)).name };
    if (wish.kind === "named") {
      const own = chooseOwn(this.#slots.all(), wish.name);
      const isId = looksLikeId(wish.name);
      const byId = isId
        ? chooseRunning(await listKernels(this.#server), wish.name)
        : null;
      const id = byId?.id ?? (isId && own?.gone === false ? own.kernelId : undefined);
      if (id !== undefined) return id === running?.id ? null : { id };
      const { name } = await this.#find(wish.name);
      return name === running?.name ? null : { name };
    }
    if (running !== null || kernelspec === null) return null;
    const specs = await this.#specs();
    const named = specs.find(({ name }) => name === kernelspec.name);
    // A notebook from another machine names what that one has: its language tells what is meant.
    return {
      name: (named ?? findKernelspec(specs, kernelspec.language || kernelspec.name)).name,
    };
  }

  async #adopt(kernel: Kernel, isStarted: boolean): Promise<ForRun> {
    const now = this.#now();
    const known = this.#slots.all().find(({ kernelId }) => kernelId === kernel.id);
    if (known !== undefined) {
      const slot = known.gone
        ? this.#slots.replaceKernel(known.slot, kernel.id, now)
        : known;
      return { slot, isStarted };
    }
    const specs = await this.#specs().catch(() => []);
    const language = specs.find(({ name }) => name === kernel.name)?.language ?? "";
    const added = {
      kernelId: kernel.id,
      kernelspec: kernel.name,
      language,
      startedHere: isStarted,
      now,
    };
    return { slot: this.#slots.add(added), isStarted };
  }

  async #start(spec: Kernelspec | null): Promise<ForRun> {
    const [kernel, specs] = await Promise.all([
      this.#startUnlessEnded(spec?.name ?? null),
      // Only to know the language: a kernel that runs must not be left behind for that.
      spec === null ? this.#specs().catch(() => []) : [spec],
    ]);
    const slot = this.#slots.add({
      kernelId: kernel.id,
      kernelspec: kernel.name,
      language: specs.find(({ name }) => name === kernel.name)?.language ?? "",
      startedHere: true,
      now: this.#now(),
    });
    return { slot, isStarted: true };
  }

  /** The kernel of ours that was used last of those which the server knows by this name. */
  async #ownOtherwiseNamed(name: string): Promise<KernelSlot | null> {
    const meant = matchingKernelspecs(await this.#specs(), name);
    const own = this.#slots
      .all()
      .find((slot) => meant.some((spec) => spec.name === slot.kernelspec));
    return own ?? null;
  }

  async #startUnlessEnded(kernelspec: string | null): Promise<Kernel> {
    const begunAt = this.#now();
    const kernel = await startKernel(this.#server, kernelspec);
    this.#tellStarted(kernel, begunAt);
    if (!this.#hasEnded()) return kernel;
    await shutdownKernel(this.#server, kernel.id);
    throw new ExpectedError({ code: "conversation_not_found", conversation: "any more" });
  }

  #tellStarted({ id }: Pick<Kernel, "id">, begunAt: number): void {
    const durationMs = this.#now() - begunAt;
    this.#log.info("kernel_started", { kernel: shortKernel(id), durationMs });
  }

  async #find(name: string): Promise<Kernelspec> {
    return findKernelspec(await this.#specs(), name);
  }

  async #specs(): Promise<readonly Kernelspec[]> {
    if (this.#kernelspecs === null || this.#kernelspecs.until < this.#now()) {
      const list = await listKernelspecs(this.#server);
      this.#kernelspecs = { list, until: this.#now() + KERNELSPECS_TTL_MS };
    }
    return this.#kernelspecs.list;
  }
}

/** What a call is told that wanted a kernel which is gone. */
export function goneError(slot: KernelSlot): ExpectedError {
  return new ExpectedError({
    code: "kernel_gone",
    kernel: slot.kernelId,
    kernelspec: slot.kernelspec,
    generation: slot.generation,
  });
}
