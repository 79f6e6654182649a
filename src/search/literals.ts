/**
 * Strings that every match of a regular expression has, so that an index can
 * tell where it is worth looking. What is not certain is left out: a missing one
 * costs time, a wrong one would cost a match.
 */

/** Strings of which a match has one at least. */
export type Alternatives = readonly string[];

/** More of them narrow less, and each has to be looked up. */
const MAX_ALTERNATIVES = 8;
/** What may follow an atom and make it optional or repeated. */
const QUANTIFIER = /^(?:[*+?]|\{\d+(?:,\d*)?\})[?+]?/;
const OPTIONAL = /^(?:[*?]|\{0)/;
/** A group that is only there to be repeated, captured or named. */
const PLAIN_GROUP = /^\((?:\?(?::|P?<\w+>))?(?!\?)/;
/** Flags for the whole pattern, which change nothing about what is necessary: all but `i` are about signs. */
const FLAGS = /^\(\?[imsU]+\)/;
const CONTROLS: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t" };

/** What is known of the strings that a part of a pattern matches. */
interface Part {
  /** All of them, where they are few; else null. */
  readonly exact: Alternatives | null;
  /** What each of them has. */
  readonly needed: readonly Alternatives[];
}

const NOTHING_KNOWN: Part = { exact: null, needed: [] };
const EMPTY: Part = { exact: [""], needed: [] };

/** What every match of a pattern has. */
export interface Literals {
  /** One of each. */
  readonly needed: readonly Alternatives[];
  /** Whether in any case, and not as they are. */
  readonly isAnyCase: boolean;
}

/** The strings that a pattern needs, in its order. */
export function literalsOf(pattern: string): Literals {
  const [flags = ""] = FLAGS.exec(pattern) ?? [];
  const isAnyCase = flags.includes("i");
  try {
    const reader = new PatternReader(pattern.slice(flags.length), isAnyCase);
    return { needed: neededOf(reader.read()), isAnyCase };
  } catch (error) {
    if (error instanceof NotUnderstood) return { needed: [], isAnyCase };
    throw error;
  }
}

class NotUnderstood extends Error {}

/** Reads a pattern from its beginning to its end. */
class PatternReader {
  readonly #pattern: string;
  readonly #isAnyCase: boolean;
  #at = 0;

  constructor(pattern: string, isAnyCase: boolean) {
    this.#pattern = pattern;
    this.#isAnyCase = isAnyCase;
  }

  read(): Part {
    const part = this.#branches();
    if (this.#at < this.#pattern.length) throw new NotUnderstood();
    return part;
  }

  #branches(): Part {
    const branches = [this.#sequence()];
    while (this.#skip("|")) branches.push(this.#sequence());
    return either(branches);
  }

  #sequence(): Part {
    const sequence = new Sequence();
    while (this.#at < this.#pattern.length && !/^[|)]/.test(this.#rest())) {
      const part = this.#atom();
      const [quantifier = ""] = QUANTIFIER.exec(this.#rest()) ?? [];
      this.#at += quantifier.length;
      if (quantifier === "") sequence.add(part);
      else if (OPTIONAL.test(quantifier)) sequence.add(NOTHING_KNOWN);
      // At least once, it is there; how often is not known.
      else sequence.add({ exact: null, needed: neededOf(part) });
    }
    return sequence.end();
  }

  #atom(): Part {
    const rest = this.#rest();
    if (rest.startsWith("\\")) return this.#escape(rest);
    if (rest.startsWith("[")) return this.#class(rest);
    if (rest.startsWith("(")) return this.#group(rest);
    if (/^[*+?{}\]]/.test(rest)) throw new NotUnderstood();
    const [character = ""] = Array.from(rest.slice(0, 2));
    this.#at += character.length;
    if (character === ".") return NOTHING_KNOWN;
    return character === "^" || character === "$" ? EMPTY : this.#literal(character);
  }

  #escape(rest: string): Part {
    const [, escaped = ""] = Array.from(rest.slice(0, 3));
    this.#at += 1 + escaped.length;
    if (/[bBAz]/.test(escaped)) return EMPTY;
    if (/[dDwWsS]/.test(escaped)) return NOTHING_KNOWN;
    const control = CONTROLS[escaped];
    if (control !== undefined) return this.#literal(control);
    // Other letters and digits are codes and classes; what is left are signs.
    if (escaped === "" || /[\p{L}\p{N}]/u.test(escaped)) throw new NotUnderstood();
    return this.#literal(escaped);
  }

  #class(rest: string): Part {
    // A bracket that comes first is a character of the class.
    const [all] = /^\[\^?\]?(?:\\.|\[:[a-z^]+:\]|[^\\\]])*\]/s.exec(rest) ?? [];
    if (all === undefined) throw new NotUnderstood();
    this.#at += all.length;
    const characters = Array.from(all.slice(1, -1));
    const isPlain = /^\[[^\\[\]^-]+\]$/.test(all);
    if (!isPlain || characters.length > MAX_ALTERNATIVES) return NOTHING_KNOWN;
    const literals = characters.map((character) => this.#literal(character).exact);
    return literals.includes(null)
      ? NOTHING_KNOWN
      : { exact: literals.flatMap((exact) => exact ?? []), needed: [] };
  }

  #group(rest: string): Part {
    const [start] = PLAIN_GROUP.exec(rest) ?? [];
    if (start === undefined) throw new NotUnderstood();
    this.#at += start.length;
    const part = this.#branches();
    if (!this.#skip(")")) throw new NotUnderstood();
    return part;
  }

  /** In any case, only that of ASCII is sure to be the index's. */
  #literal(character: string): Part {
    const isSure = !this.#isAnyCase || /^[\0-\x7f]$/.test(character);
    return isSure ? { exact: [character], needed: [] } : NOTHING_KNOWN;
  }

  #skip(sign: string): boolean {
    if (this.#pattern[this.#at] !== sign) return false;
    this.#at += 1;
    return true;
  }

  #rest(): string {
    return this.#pattern.slice(this.#at);
  }
}

/** Parts that follow each other. */
class Sequence {
  readonly #needed: Alternatives[] = [];
  /** What may stand at the end so far, as far as that is known. */
  #run: Alternatives = [""];
  #isExact = true;

  add({ exact, needed }: Part): void {
    if (exact === null) {
      this.#endRun([""]);
      this.#needed.push(...needed);
    } else if (this.#run.length * exact.length > MAX_ALTERNATIVES) {
      this.#endRun(exact);
    } else {
      this.#run = this.#run.flatMap((before) => exact.map((after) => before + after));
    }
  }

  end(): Part {
    if (this.#isExact) return { exact: this.#run, needed: [] };
    return { exact: null, needed: [...this.#needed, this.#run] };
  }

  #endRun(next: Alternatives): void {
    this.#needed.push(this.#run);
    this.#run = next;
    this.#isExact = false;
  }
}

/** What is known where one of several branches matches. */
function either(branches: readonly Part[]): Part {
  const [only] = branches;
  if (only !== undefined && branches.length === 1) return only;
  const exact = branches.flatMap((branch) => branch.exact ?? []);
  if (branches.every((branch) => branch.exact !== null) && isFew(exact))
    return { exact, needed: [] };
  const best = branches.map((branch) => bestOf(neededOf(branch)));
  const all = best.flatMap((alternatives) => alternatives ?? []);
  return best.includes(undefined) || !isFew(all)
    ? NOTHING_KNOWN
    : { exact: null, needed: [all] };
}

function neededOf({ exact, needed }: Part): Alternatives[] {
  return (exact === null ? needed : [exact]).filter((all) => shortest(all) > 0);
}

/** What narrows most. */
function bestOf(needed: readonly Alternatives[]): Alternatives | undefined {
  return needed.toSorted((a, b) => shortest(b) - shortest(a))[0];
}

function shortest(alternatives: Alternatives): number {
  return Math.min(...alternatives.map(({ length }) => length));
}

function isFew({ length }: Alternatives): boolean {
  return length <= MAX_ALTERNATIVES;
}
