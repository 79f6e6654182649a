/**
 * What this Worker tells whoever runs it: one line of JSON for each event, with
 * fields of a closed set. Code, output, paths, addresses, names of people, tokens
 * and whatever else comes from outside have no field here. What a field holds is
 * checked once more as it is written, so that what gets into one by mistake shows
 * as `?`. docs/operations.md says what each event means.
 */

import type { ConfigError } from "./config.ts";
import type { Failure } from "./errors.ts";

/** From the most to the least that is told. */
export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;

/** See {@link LOG_LEVELS}. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/** What happened. */
export type LogEvent =
  | "alarm"
  | "bug"
  | "call"
  | "connection_closed"
  | "connection_failed"
  | "connection_lost"
  | "connection_opened"
  | "index_failed"
  | "indexed"
  | "interrupted"
  | "kernel_gone"
  | "kernel_replaced"
  | "kernel_started"
  | "oauth_refused"
  | "possibly_incomplete"
  | "refused"
  | "run_ended"
  | "run_resumed"
  | "run_started"
  | "settings_unusable"
  | "sign_in";

/** Why a run was lost, may lack output, or a kernel is another one now. */
export type Why = (typeof WHYS)[number];

/** See {@link Why}. `docs/operations.md` has each. */
export const WHYS = [
  "connection_lost",
  "end_not_received",
  "kernel_gone",
  "never_sent",
  "other",
  "other_client_attached",
  "printed_while_opening",
  "process_died",
  "restart_called",
  "restarted_elsewhere",
  "shut_down_elsewhere",
  "shutdown_called",
  "waited_for_lost",
] as const;

/** What is done while no call waits for it. */
export type Task =
  | "clean_up"
  | "expire"
  | "index"
  | "kernel_message"
  | "page"
  | "reconnect"
  | "remember_version"
  | "room_message"
  | "send_next"
  | "start_run"
  | "watch"
  | "write_outputs";

/** How a call, a sign-in or an attempt came out, where it is no {@link Failure}. */
type Outcome =
  | Failure["code"]
  | "bug"
  | "code_failed"
  | "denied"
  | "login_page"
  | "no_token_needed"
  | "not_allowed"
  | "not_open"
  | "ok"
  | "refused"
  | "server_failed"
  | "too_many_attempts"
  | "unreachable"
  | "wrong_name"
  | "wrong_secret";

/** Of an execution. */
type State = "aborted" | "error" | "lost" | "ok" | "running" | "waiting for input";

/** All that a line can hold. Times are in milliseconds, `bytes` and `chars` count what came. */
export interface LogFields {
  /** The HTTP request in whose course it happened: Cloudflare's ray, where there is one. */
  readonly request?: string | undefined;
  /** The revision of MCP that the client names. */
  readonly protocol?: string | undefined;
  /** The beginning of the principal; `local` in local use. */
  readonly person?: string | undefined;
  readonly conversation?: string | undefined;
  /** `e3`. */
  readonly execution?: string | undefined;
  /** The first characters of its id. */
  readonly kernel?: string | undefined;
  readonly generation?: number | undefined;
  readonly kind?: "tool" | "resource" | "prompt" | "completion" | undefined;
  /** Of the tool, resource or prompt. */
  readonly name?: string | undefined;
  readonly outcome?: Outcome | undefined;
  /** Of an execution. */
  readonly state?: State | undefined;
  readonly why?: Why | undefined;
  readonly task?: Task | undefined;
  /** The id of a bug, which whoever called was shown. */
  readonly id?: string | undefined;
  /** The class of an error; never its message. */
  readonly error?: string | undefined;
  /** Where it was thrown, innermost first. */
  readonly frames?: string | undefined;
  /** How people sign in. */
  readonly method?: "jupyter" | "jupyterhub" | "oidc" | undefined;
  /** The pattern of a page's address. */
  readonly route?: string | undefined;
  /** What somebody signed in for. */
  readonly at?: "client" | "account" | "health" | undefined;
  /** What a service, or the OAuth library, calls what is wrong. */
  readonly code?: string | undefined;
  /** Of HTTP. */
  readonly status?: number | undefined;
  readonly durationMs?: number | undefined;
  /** From the call until the kernel was sent its code. */
  readonly waitedMs?: number | undefined;
  /** How long there was no connection. */
  readonly awayMs?: number | undefined;
  readonly attempt?: number | undefined;
  readonly unfinished?: number | undefined;
  readonly items?: number | undefined;
  readonly droppedChars?: number | undefined;
  readonly messages?: number | undefined;
  readonly bytes?: number | undefined;
  /** Messages that had come before. */
  readonly duplicates?: number | undefined;
  readonly notebooks?: number | undefined;
  readonly unreadable?: number | undefined;
  readonly incomplete?: boolean | undefined;
  /** Whether a crash or a deploy had left it. */
  readonly resumed?: boolean | undefined;
}

const WORD = /^[a-z][a-z_]{0,40}$/;

/** What each field may look like. */
const FORMS = {
  request: /^[0-9a-f]{16}(?:-[A-Z]{3})?$/,
  protocol: /^\d{4}-\d\d-\d\d$/,
  person: /^(?:local|[a-z2-7]{8})$/,
  conversation: /^c_[a-z2-7]{10}$/,
  execution: /^e[1-9]\d{0,14}$/,
  kernel: /^[0-9a-f-]{1,8}$/,
  generation: "number",
  kind: WORD,
  name: WORD,
  outcome: WORD,
  state: /^[a-z]+(?: [a-z]+){0,3}$/,
  why: WORD,
  task: WORD,
  id: /^[0-9a-f]{8}$/,
  error: /^[A-Z][A-Za-z]{1,40}$/,
  frames: /^[\w.#$<>[\]-]+ [\w.-]+:\d+:\d+(?: < [\w.#$<>[\]-]+ [\w.-]+:\d+:\d+)*$/,
  method: WORD,
  route: /^\/[a-z:./*-]{0,60}$/,
  at: WORD,
  code: /^[A-Za-z_]{1,60}$/,
  status: "number",
  durationMs: "number",
  waitedMs: "number",
  awayMs: "number",
  attempt: "number",
  unfinished: "number",
  items: "number",
  droppedChars: "number",
  messages: "number",
  bytes: "number",
  duplicates: "number",
  notebooks: "number",
  unreadable: "number",
  incomplete: "boolean",
  resumed: "boolean",
} as const satisfies Record<keyof LogFields, RegExp | "number" | "boolean">;

/** Each of them is in lines of one event alone, or of one connection's end. */
const SUMMED = ["items", "droppedChars", "messages", "bytes", "duplicates"] as const;

/** How often each event was there, with its outcome, and the sums of what lines count. */
export interface Counters {
  readonly since: string;
  readonly events: Readonly<Record<string, number>>;
  readonly sums: Readonly<Record<string, number>>;
}

const MAX_FRAMES = 5;
const KERNEL_CHARS = 8;
const PERSON_CHARS = 8;

/**
 * Of this isolate, since it began. The one thing that all objects of it share:
 * counting costs nothing here, and a row or a request anywhere else.
 */
let since: number | null = null;
const events = new Map<string, number>();
const sums = new Map<string, number>();

/** What this isolate has counted. In production there are many, each with its own. */
export function counters(now: number): Counters {
  return {
    since: new Date(since ?? now).toISOString(),
    events: Object.fromEntries([...events].toSorted(([a], [b]) => (a < b ? -1 : 1))),
    sums: Object.fromEntries(sums),
  };
}

/** Names a request: as Cloudflare does, or with an id of our own. */
export function requestIdOf({ headers }: Request): string {
  const ray = headers.get("cf-ray") ?? "";
  return FORMS.request.test(ray) ? ray : hex(8);
}

/** Tells what happens, with what is known of whom and what it is about. */
export class Log {
  readonly #level: LogLevel;
  readonly #about: LogFields;

  /** @param about fields of every line */
  constructor(level: LogLevel, about: LogFields = {}) {
    this.#level = level;
    this.#about = about;
  }

  /** The request that this is about, if it is about one. */
  get request(): string | undefined {
    return this.#about.request;
  }

  /** The same with further fields on every line. */
  with(about: LogFields): Log {
    return new Log(this.#level, { ...this.#about, ...about });
  }

  debug(event: LogEvent, fields: LogFields = {}): void {
    this.#tell("debug", event, fields);
  }

  info(event: LogEvent, fields: LogFields = {}): void {
    this.#tell("info", event, fields);
  }

  warn(event: LogEvent, fields: LogFields = {}): void {
    this.#tell("warn", event, fields);
  }

  /** Tells of what is not expected, and returns the id under which it can be found. */
  bug(fields: LogFields, error: unknown): string {
    const id = hex(4);
    const name = error instanceof Error ? error.name : typeof error;
    this.#tell("error", "bug", { ...fields, id, error: name, frames: framesOf(error) });
    return id;
  }

  /** The one line with words: those of our own schema, which holds no setting's value. */
  settingsUnusable(problem: ConfigError): void {
    const event: LogEvent = "settings_unusable";
    const time = new Date().toISOString();
    const about = checked(this.#about);
    console.error(
      JSON.stringify({ time, level: "error", event, problem: problem.message, ...about }),
    );
  }

  #tell(level: LogLevel, event: LogEvent, fields: LogFields): void {
    count(event, fields);
    if (LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(this.#level)) return;
    const time = new Date().toISOString();
    const line = JSON.stringify({
      time,
      level,
      event,
      ...checked({ ...this.#about, ...fields }),
    });
    // Workers Logs takes the level of a line from the function that wrote it.
    if (level === "error") console.error(line);
    else if (level === "warn") console.warn(line);
    else console.log(line);
  }
}

/** The beginning of a kernel's id, as results show it. */
export function shortKernel(kernelId: string): string {
  return kernelId.slice(0, KERNEL_CHARS);
}

/** Enough of a principal, or of the name of an object that begins with one, to tell people apart. */
export function shortPerson(name: string | undefined): string | undefined {
  const [principal = ""] = (name ?? "").split("/");
  return principal.slice(0, PERSON_CHARS) || undefined;
}

function checked(fields: LogFields): Record<string, unknown> {
  // The fields are those of the interface, which `FORMS` lists.
  const names = Object.keys(FORMS) as (keyof LogFields)[];
  return Object.fromEntries(
    names
      .filter((name) => fields[name] !== undefined)
      .map((name) => [name, isOfForm(fields[name], FORMS[name]) ? fields[name] : "?"]),
  );
}

function isOfForm(value: unknown, form: RegExp | "number" | "boolean"): boolean {
  return typeof form === "string"
    ? typeof value === form
    : typeof value === "string" && form.test(value);
}

function count(event: LogEvent, fields: LogFields): void {
  since ??= Date.now();
  const how = fields.outcome ?? fields.state;
  const key = how === undefined ? event : `${event} ${how}`;
  events.set(key, (events.get(key) ?? 0) + 1);
  for (const name of SUMMED) {
    const value = fields[name];
    if (value !== undefined) sums.set(name, (sums.get(name) ?? 0) + value);
  }
}

/** The innermost calls, as `function file:line:column`, without the message that stands before them. */
function framesOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || error.stack === undefined) return undefined;
  const begin = error.stack.indexOf(error.message);
  // A message can look like calls, and can quote anything.
  if (begin < 0) return undefined;
  const frames = error.stack
    .slice(begin + error.message.length)
    .split("\n")
    .flatMap((line) => frameOf(line) ?? []);
  return frames.length === 0 ? undefined : frames.slice(0, MAX_FRAMES).join(" < ");
}

function frameOf(line: string): string | null {
  const [, called = "", place = ""] =
    /^\s+at (?:async )?(?:(.+?) \()?(\S+?:\d+:\d+)\)?$/.exec(line) ?? [];
  if (place === "") return null;
  const name = called.replaceAll(/ \[as .*\]$|^new /g, "").replaceAll(/\s/g, "");
  const file = place.split(/[/\\]/).at(-1) ?? "";
  const frame = `${name || "<anonymous>"} ${file.replace(/\?[^:]*/, "")}`;
  return FORMS.frames.test(frame) ? frame : null;
}

function hex(bytes: number): string {
  return crypto.getRandomValues(new Uint8Array(bytes)).toHex();
}
