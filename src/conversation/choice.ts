import { ExpectedError } from "../errors.ts";
import type { Kernel } from "../jupyter/kernels.ts";
import type { KernelSlot } from "../kernel/slots.ts";

/** What a `kernel` argument asks for, before anyone was asked. */
export type KernelWish =
  | { readonly kind: "current" }
  | { readonly kind: "new"; readonly name: string }
  | { readonly kind: "named"; readonly name: string };

/** Shorter prefixes of an id would match by chance. */
const MIN_PREFIX_CHARS = 4;

/** Reads a `kernel` argument: nothing, `new:python`, or an id, a prefix of one, or a name. */
export function parseWish(kernel: string | undefined): KernelWish {
  if (kernel === undefined) return { kind: "current" };
  const fresh = /^new:\s*(.+)$/s.exec(kernel);
  return fresh?.[1] === undefined
    ? { kind: "named", name: kernel }
    : { kind: "new", name: fresh[1].trim() };
}

/** Whether `name` can be the id of a kernel, or the beginning of one. */
export function looksLikeId(name: string): boolean {
  return name.length >= MIN_PREFIX_CHARS && /^[0-9a-f][0-9a-f-]*$/i.test(name);
}

/**
 * The kernel of this conversation that a name means: by id or prefix, else the
 * one used last of that kernelspec or language.
 *
 * @param slots in the order of their use, the latest first
 * @throws {ExpectedError} where a prefix fits several
 */
export function chooseOwn(slots: readonly KernelSlot[], name: string): KernelSlot | null {
  const byId = looksLikeId(name)
    ? slots.filter(({ kernelId }) => kernelId.startsWith(name.toLowerCase()))
    : [];
  throwIfAmbiguous(
    name,
    byId.map(({ kernelId }) => kernelId),
  );
  const wanted = name.toLowerCase();
  return (
    byId[0] ??
    slots.find(({ kernelspec }) => kernelspec.toLowerCase() === wanted) ??
    slots.find(({ language }) => language.toLowerCase() === wanted) ??
    null
  );
}

/**
 * The running kernel whose id begins with `prefix`, or null.
 *
 * @throws {ExpectedError} where a prefix fits several
 */
export function chooseRunning(kernels: readonly Kernel[], prefix: string): Kernel | null {
  const matches = kernels.filter(({ id }) => id.startsWith(prefix.toLowerCase()));
  throwIfAmbiguous(
    prefix,
    matches.map(({ id }) => id),
  );
  return matches[0] ?? null;
}

function throwIfAmbiguous(kernel: string, matches: readonly string[]): void {
  if (matches.length > 1)
    throw new ExpectedError({ code: "kernel_ambiguous", kernel, matches });
}
