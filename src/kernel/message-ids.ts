/** A replay repeats what was just sent, never what is this many messages old. */
const REMEMBERED = 20_000;

/** Which messages an execution has taken in, so that a replayed one is not taken twice. */
export class MessageIds {
  readonly #seen = new Set<string>();

  /** True when `id` is new; it is remembered then. */
  add(id: string): boolean {
    if (this.#seen.has(id)) return false;
    this.#seen.add(id);
    if (this.#seen.size > REMEMBERED) {
      const oldest = this.#seen.values().next();
      if (!oldest.done) this.#seen.delete(oldest.value);
    }
    return true;
  }
}

/**
 * Packs message ids into one line of text: each as the number of characters that
 * it shares with the one before, and the rest. ipykernel counts its ids up, so
 * that they pack into about ten characters each.
 */
export function packIds(ids: readonly string[]): string {
  let previous = "";
  return ids
    .map((id) => {
      let shared = 0;
      while (shared < id.length && id[shared] === previous[shared]) shared += 1;
      previous = id;
      return `${shared.toString(36)}:${id.slice(shared)}`;
    })
    .join("\n");
}

/** The ids that {@link packIds} packed. */
export function unpackIds(packed: string): string[] {
  let previous = "";
  if (packed === "") return [];
  return packed.split("\n").map((line) => {
    const colon = line.indexOf(":");
    previous =
      previous.slice(0, Number.parseInt(line.slice(0, colon), 36)) +
      line.slice(colon + 1);
    return previous;
  });
}
