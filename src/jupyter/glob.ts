/**
 * Paths that a glob stands for: `*`, `?`, `[a-z]`, `[!a]`, `{a,b}`, and `**` for
 * any number of folders; `\` takes the next character as it is. An automaton
 * without backtracking: its time grows with the pattern times the path, whatever
 * they are.
 */

/** A compiled glob, matched against paths with `/` between their parts and none in front. */
export interface Glob {
  /** Whether the whole path fits. */
  matches(path: string): boolean;
  /** Whether anything below that folder could fit; `""` is the folder that the search begins in. */
  canMatchBelow(folder: string): boolean;
}

interface State {
  /** Where it goes on without a character. */
  readonly next: number[];
  /** Where it goes on with one. */
  readonly edges: { readonly accepts: (char: string) => boolean; readonly to: number }[];
}

/** Compiles a glob. A bracket or brace that is never closed is an ordinary character. */
export function compileGlob(pattern: string): Glob {
  const automaton = new Automaton(Array.from(pattern));
  return {
    matches: (path) => automaton.run(path).has(automaton.end),
    canMatchBelow: (folder) => automaton.run(folder === "" ? "" : `${folder}/`).size > 0,
  };
}

class Automaton {
  readonly end: number;
  readonly #chars: readonly string[];
  /** Where the brace that opens at an index closes. */
  readonly #closing: ReadonlyMap<number, number>;
  readonly #states: State[] = [];

  constructor(chars: readonly string[]) {
    this.#chars = chars;
    this.#closing = closingBraces(chars);
    this.end = this.#sequence(this.#state(), 0, chars.length);
  }

  /** The states that are left after a text; the first is 0. */
  run(text: string): ReadonlySet<number> {
    let states = this.#closure([0]);
    for (const char of text) {
      if (states.size === 0) return states;
      const reached: number[] = [];
      for (const state of states) {
        for (const { accepts, to } of this.#states[state]?.edges ?? []) {
          if (accepts(char)) reached.push(to);
        }
      }
      states = this.#closure(reached);
    }
    return states;
  }

  #closure(states: readonly number[]): Set<number> {
    const closed = new Set(states);
    // A set is walked in the order of insertion, what is added meanwhile included.
    for (const state of closed) {
      for (const next of this.#states[state]?.next ?? []) closed.add(next);
    }
    return closed;
  }

  #state(): number {
    return this.#states.push({ next: [], edges: [] }) - 1;
  }

  #edge(from: number, accepts: (char: string) => boolean, to = this.#state()): number {
    this.#states[from]?.edges.push({ accepts, to });
    return to;
  }

  #skip(from: number, to = this.#state()): number {
    this.#states[from]?.next.push(to);
    return to;
  }

  /** Appends the pattern between two indexes to a state. Returns where it ends. */
  #sequence(from: number, start: number, end: number): number {
    let state = from;
    for (let at = start; at < end;) {
      const char = this.#chars[at] ?? "";
      const closing = this.#closing.get(at);
      const set = char === "[" ? charSet(this.#chars, at, end) : null;
      if (char === "*") {
        let after = at + 1;
        while (after < end && this.#chars[after] === "*") after += 1;
        const isWhole =
          after - at > 1 &&
          (at === start || this.#chars[at - 1] === "/") &&
          (after === end || this.#chars[after] === "/");
        [state, at] = isWhole
          ? this.#folders(state, after, end)
          : [this.#many(state), after];
      } else if (char === "?") {
        state = this.#edge(state, isInName);
        at += 1;
      } else if (char === "{" && closing !== undefined && closing < end) {
        state = this.#alternatives(state, at + 1, closing);
        at = closing + 1;
      } else if (set !== null) {
        state = this.#edge(state, set.accepts);
        at = set.after;
      } else {
        const isEscape = char === "\\" && at + 1 < end;
        const literal = isEscape ? this.#chars[at + 1] : char;
        state = this.#edge(state, (other) => other === literal);
        at += isEscape ? 2 : 1;
      }
    }
    return state;
  }

  /** `*`: any characters of one name. */
  #many(from: number): number {
    const loop = this.#skip(from);
    this.#edge(loop, isInName, loop);
    return this.#skip(loop);
  }

  /** `**`: with a slash after it any folders, or none; at the end all that is below. */
  #folders(from: number, after: number, end: number): [state: number, at: number] {
    if (after === end) {
      const below = this.#edge(from, () => true);
      this.#edge(below, () => true, below);
      return [below, after];
    }
    const loop = this.#skip(from);
    const name = this.#edge(loop, isInName);
    this.#edge(name, isInName, name);
    this.#edge(name, (char) => char === "/", loop);
    return [this.#skip(loop), after + 1];
  }

  #alternatives(from: number, start: number, closing: number): number {
    const join = this.#state();
    let begin = start;
    for (let at = start; at <= closing; at += 1) {
      if (at === closing || this.#chars[at] === ",") {
        this.#skip(this.#sequence(this.#skip(from), begin, at), join);
        begin = at + 1;
      } else if (this.#chars[at] === "\\") {
        at += 1;
      } else {
        at = Math.min(this.#closing.get(at) ?? at, closing - 1);
      }
    }
    return join;
  }
}

function isInName(char: string): boolean {
  return char !== "/";
}

function closingBraces(chars: readonly string[]): Map<number, number> {
  const closing = new Map<number, number>();
  const open: number[] = [];
  for (let at = 0; at < chars.length; at += 1) {
    if (chars[at] === "\\") at += 1;
    else if (chars[at] === "{") open.push(at);
    else if (chars[at] === "}") {
      const start = open.pop();
      if (start !== undefined) closing.set(start, at);
    }
  }
  return closing;
}

/** `[a-z]` from its bracket on, or `null` where it does not close. A `]` that comes first is of the set. */
function charSet(
  chars: readonly string[],
  start: number,
  end: number,
): { readonly accepts: (char: string) => boolean; readonly after: number } | null {
  const isNegated = chars[start + 1] === "!" || chars[start + 1] === "^";
  const first = start + (isNegated ? 2 : 1);
  const closing = chars.indexOf("]", first + 1);
  if (closing === -1 || closing >= end) return null;
  const ranges: { readonly from: string; readonly to: string }[] = [];
  for (let at = first; at < closing; at += 1) {
    const from = chars[at] ?? "";
    const isRange = chars[at + 1] === "-" && at + 2 < closing;
    ranges.push({ from, to: isRange ? (chars[at + 2] ?? from) : from });
    if (isRange) at += 2;
  }
  const isIn = (char: string) =>
    ranges.some(
      ({ from, to }) =>
        codePoint(from) <= codePoint(char) && codePoint(char) <= codePoint(to),
    );
  return {
    accepts: (char) => char !== "/" && isIn(char) !== isNegated,
    after: closing + 1,
  };
}

function codePoint(char: string): number {
  return char.codePointAt(0) ?? 0;
}
