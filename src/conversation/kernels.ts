import { ExpectedError } from "../errors.ts";
import { getKernel, listKernels, startKernel } from "../jupyter/kernels.ts";
import {
  findKernelspec,
  listKernelspecs,
  type Kernelspec,
} from "../jupyter/kernelspecs.ts";
import type { JupyterServer } from "../jupyter/server.ts";
import type { KernelSlot, KernelSlots } from "../kernel/slots.ts";
import { chooseOwn, chooseRunning, looksLikeId, parseWish } from "./choice.ts";

/** Kernelspecs change when somebody installs one: rarely, and then a minute is soon. */
const KERNELSPECS_TTL_MS = 60_000;

/** Finds the kernel that a call means, and starts or attaches to it where that is asked for. */
export class ConversationKernels {
  readonly #server: JupyterServer;
  readonly #slots: KernelSlots;
  readonly #now: () => number;
  #kernelspecs: { readonly list: readonly Kernelspec[]; readonly until: number } | null =
    null;

  constructor(server: JupyterServer, slots: KernelSlots, now: () => number) {
    this.#server = server;
    this.#slots = slots;
    this.#now = now;
  }

  /**
   * The kernel that a run goes to. A kernel of ours that is gone is first told
   * of, so that code that counts on its variables does not run without them;
   * the next run gets a new one in its place.
   */
  async forRun(kernel: string | undefined): Promise<KernelSlot> {
    const wish = parseWish(kernel);
    if (wish.kind === "new") return this.#start(await this.#find(wish.name));
    if (wish.kind === "current") {
      const [current] = this.#slots.all();
      return current === undefined ? this.#start(null) : this.#alive(current);
    }
    const own = chooseOwn(this.#slots.all(), wish.name);
    if (own !== null) return this.#alive(own);
    return (await this.#attach(wish.name)) ?? this.#start(await this.#find(wish.name));
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
    const attached = isOwn ? null : await this.#attach(kernel);
    return attached ?? this.existing(kernel, conversation);
  }

  async #alive(slot: KernelSlot): Promise<KernelSlot> {
    if (!slot.gone) return slot;
    if (!slot.toldGone) {
      this.#slots.tellGone(slot.slot);
      throw goneError(slot);
    }
    const kernel = await startKernel(this.#server, slot.kernelspec);
    return this.#slots.replaceKernel(slot.slot, kernel.id, this.#now());
  }

  async #attach(name: string): Promise<KernelSlot | null> {
    if (!looksLikeId(name)) return null;
    const running = chooseRunning(await listKernels(this.#server), name);
    if (running === null) {
      const specs = await this.#specs();
      if (specs.some((spec) => spec.name === name || spec.language === name)) return null;
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
      now: this.#now(),
    });
  }

  async #start(spec: Kernelspec | null): Promise<KernelSlot> {
    const [kernel, specs] = await Promise.all([
      startKernel(this.#server, spec?.name ?? null),
      spec === null ? this.#specs() : [spec],
    ]);
    return this.#slots.add({
      kernelId: kernel.id,
      kernelspec: kernel.name,
      language: specs.find(({ name }) => name === kernel.name)?.language ?? "",
      startedHere: true,
      now: this.#now(),
    });
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

/** Whether a kernel of ours still runs; where it does not, that is stored. */
export async function isRunning(
  server: JupyterServer,
  slot: KernelSlot,
): Promise<boolean> {
  return !slot.gone && (await getKernel(server, slot.kernelId)) !== null;
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
