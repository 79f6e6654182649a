import { z } from "zod";
import type { Answer } from "../kernel/questions.ts";

const optional = <T extends z.ZodType>(schema: T) => schema.nullish().catch(null);

const variableSchema = z.object({
  name: z.string(),
  type: z.string(),
  /** Like `1000 × 12`. */
  shape: optional(z.string()),
  length: optional(z.number()),
  /** Of the value itself, without what it refers to. */
  bytes: optional(z.number()),
  /** Short, and cut where it is long; a word in parentheses where it was not looked at. */
  value: z.string().catch(""),
});

const sectionSchema = z.object({ title: z.string(), text: z.string() });

/** One variable as it is listed. */
export type Variable = z.infer<typeof variableSchema>;

/** A part of what is told of one variable, such as its columns or its documentation. */
export type Section = z.infer<typeof sectionSchema>;

const listSchema = z.object({
  variables: z.array(variableSchema),
  /** What was imported under which name. */
  modules: z.array(z.string()).catch([]),
  /** All that match, also those that are not listed. */
  total: z.number(),
});

const detailSchema = z.object({
  variable: variableSchema,
  sections: z.array(sectionSchema).catch([]),
});

const missingSchema = z.object({
  /** Names of variables that are nearly the same. */
  similar: z.array(z.string()).catch([]),
});

const foundSchema = z.union([listSchema, detailSchema, missingSchema]);

/** What a look at a kernel's variables found. */
export type Found = z.infer<typeof foundSchema>;

/** The variables that match, or one of them. */
export type VariableList = z.infer<typeof listSchema>;

/** One variable in detail. */
export type VariableDetail = z.infer<typeof detailSchema>;

/** What is looked for: one variable by name, or all whose name matches. */
export interface Asked {
  readonly name: string | null;
  /** A regular expression for whole names, of what all languages write in the same way. */
  readonly pattern: string;
}

/** Asks the kernel something that is no execution. */
export type Ask = (
  msgType: string,
  content: Readonly<Record<string, unknown>>,
) => Promise<Answer>;

/** Looks at the variables of a kernel; null where it answers in no way that is known. */
export type LookAtVariables = (asked: Asked, ask: Ask) => Promise<Found | null>;

/** What the JSON that a kernel answered with says, or null where it is something else. */
export function parseFound(json: unknown): Found | null {
  if (typeof json !== "string") return null;
  try {
    const parsed = foundSchema.safeParse(JSON.parse(json));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

/** The plain text of the first display or result that a kernel published for a request. */
export function publishedText({ published }: Answer): string | null {
  for (const { content } of published) {
    const data = content["data"];
    if (typeof data !== "object" || data === null) continue;
    const plain: unknown = Reflect.get(data, "text/plain");
    if (typeof plain === "string") return plain;
  }
  return null;
}

/** Some kernels now and then publish what they were asked for behind their word that they are idle. */
const ATTEMPTS = 3;

/** What code publishes that leaves no trace; null where that is nothing, however often it is asked. */
export async function publishedBy(ask: Ask, code: string): Promise<string | null> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const text = publishedText(await ask("execute_request", silently(code)));
    if (text !== null) return text;
  }
  return null;
}

/**
 * A request to run code that leaves no trace in history and counts, as far as the
 * kernel does what Jupyter asks for, and that aborts nothing when it fails.
 *
 * @see https://jupyter-client.readthedocs.io/en/stable/messaging.html#execute
 */
export function silently(
  code: string,
  expressions: Readonly<Record<string, string>> = {},
): Readonly<Record<string, unknown>> {
  return {
    code,
    silent: true,
    store_history: false,
    user_expressions: expressions,
    allow_stdin: false,
    stop_on_error: false,
  };
}

/**
 * A glob over names (`*` and `?`) as a regular expression that Python, R and
 * JavaScript read in the same way, and that none of them goes back in: the first
 * place for what stands between two stars is always good enough, and is kept by
 * a lookahead with a reference to it.
 */
export function patternOfGlob(glob: string): string {
  const [first = "", ...others] = glob.split(/\*+/).map(literally);
  const last = others.pop();
  if (last === undefined) return first;
  const between = others.map((part, index) => `(?=(.*?${part}))\\${index + 1}`);
  return `${first}${between.join("")}.*${last}`;
}

function literally(text: string): string {
  return Array.from(text, (char) => {
    if (char === "?") return ".";
    if (/[\p{L}_]/u.test(char)) return char;
    return /[\\\]^]/.test(char) ? `\\${char}` : `[${char}]`;
  }).join("");
}
