import { afterEach, expect, test, vi } from "vitest";
import { ConfigError } from "../../src/config.ts";
import { ExpectedError } from "../../src/errors.ts";
import { counters, Log, LOG_LEVELS, requestIdOf } from "../../src/log.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

/** What is written from now on, by which function of the console. */
function captured() {
  const lines: { readonly by: string; readonly text: string }[] = [];
  for (const by of ["log", "warn", "error"] as const)
    vi.spyOn(console, by).mockImplementation((...args: unknown[]) => {
      lines.push({ by, text: args.map(String).join(" ") });
    });
  return lines;
}

test("an event is one line of JSON with its time, level and fields, by the console's function for its level", () => {
  const lines = captured();
  const log = new Log("debug", { request: "0123456789abcdef" });
  log.debug("alarm", { task: "watch", unfinished: 2 });
  log.with({ conversation: "c_abcdefghij" }).info("run_started", { execution: "e3" });
  log.warn("possibly_incomplete", { execution: "e3", why: "connection_lost" });
  const id = log.bug({ task: "index" }, new TypeError("words"));

  expect(lines.map(({ by }) => by)).toEqual(["log", "log", "warn", "error"]);
  const [alarm, started, , bug] = lines.map(({ text }) => JSON.parse(text));
  expect(alarm).toEqual({
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    level: "debug",
    event: "alarm",
    request: "0123456789abcdef",
    task: "watch",
    unfinished: 2,
  });
  expect(started).toMatchObject({ conversation: "c_abcdefghij", execution: "e3" });
  expect(bug).toMatchObject({ event: "bug", id, error: "TypeError", task: "index" });
  expect(lines.every(({ text }) => !text.includes("\n"))).toBe(true);
});

test.for(LOG_LEVELS.map((level, index) => [level, LOG_LEVELS.slice(index)] as const))(
  "with LOG_LEVEL=%s the levels %j are told, and all are counted",
  ([level, told]) => {
    const lines = captured();
    const before = counters(0).events["indexed"] ?? 0;
    const log = new Log(level);
    log.debug("indexed");
    log.info("indexed");
    log.warn("indexed");
    log.bug({}, new Error());
    expect(lines.map(({ text }) => JSON.parse(text).level)).toEqual(told);
    expect(counters(0).events["indexed"]).toBe(before + 3);
  },
);

test("what does not look like its field shows as a question mark, and what has no field not at all", () => {
  const lines = captured();
  const stray = {
    request: "canary request",
    conversation: "../canary",
    execution: "e0 canary",
    kernel: "Canary!!",
    person: "ada@canary.example",
    name: "read_file canary.csv",
    protocol: "canary",
    durationMs: "canary",
    code: "print('canary')",
    frames: "canary (at /home/canary)",
    path: "canary/secret.ipynb",
    token: "canary-token",
  };
  // As code that gets around the types could.
  new Log("info").info("call", stray as object);
  const [line = ""] = lines.map(({ text }) => text);
  expect(line.toLowerCase()).not.toContain("canary");
  expect(JSON.parse(line)).toMatchObject({ conversation: "?", durationMs: "?" });
  expect(JSON.parse(line)).not.toHaveProperty("path");
});

test("an error is told by its class and where it was, and nothing that its message says, whatever that looks like", () => {
  const lines = captured();
  const log = new Log("info");
  const messages = [
    "canary",
    "canary\n    at canary (/home/canary/notebook.ipynb:1:2)",
    "\n    at canary (canary.py:3:4)\n    at canary.py:5:6",
    "",
  ];
  for (const message of messages) log.bug({}, new RangeError(message));
  const renamed = new Error("canary");
  renamed.stack = "    at canary (canary.py:1:1)";
  log.bug({}, renamed);
  renamed.name = "canary of a name";
  log.bug({}, renamed);
  log.bug({}, "a canary that is no error");
  log.bug({}, new ExpectedError({ code: "bad_path", path: "canary", detail: "canary" }));

  for (const { text } of lines) expect(text.toLowerCase()).not.toContain("canary");
  const bugs = lines.map(({ text }) => JSON.parse(text));
  for (const bug of bugs.slice(0, messages.length))
    expect(bug).toMatchObject({
      error: "RangeError",
      frames: expect.stringMatching(/^\S+ log\.test\.ts:\d+:\d+/),
    });
  expect(new Set(bugs.map(({ id }) => id)).size).toBe(bugs.length);
});

test("a setting that cannot be used is told in the words of its schema", () => {
  const lines = captured();
  new Log("error").settingsUnusable(new ConfigError("JUPYTER_PORT: expected number"));
  expect(lines.map(({ text }) => JSON.parse(text))).toEqual([
    {
      time: expect.any(String),
      level: "error",
      event: "settings_unusable",
      problem: "JUPYTER_PORT: expected number",
    },
  ]);
});

function idWith(ray?: string): string {
  const headers = ray === undefined ? {} : { "cf-ray": ray };
  return requestIdOf(new Request("https://edge.example.com", { headers }));
}

test("a request goes by Cloudflare's ray, and by an id of its own where there is none or a strange one", () => {
  expect(idWith("8f0a1b2c3d4e5f60-FRA")).toBe("8f0a1b2c3d4e5f60-FRA");
  for (const ray of [undefined, "", "canary", '8f0a1b2c3d4e5f60-FRA", "x": "'])
    expect(idWith(ray)).toMatch(/^[0-9a-f]{16}$/);
  expect(idWith()).not.toBe(idWith());
});

/** By how much each has grown, where it has. */
function grown(now: Readonly<Record<string, number>>, then: typeof now) {
  const differences = Object.entries(now).map(
    ([name, count]) => [name, count - (then[name] ?? 0)] as const,
  );
  return Object.fromEntries(differences.filter(([, by]) => by > 0));
}

test("counters tell how often each event came out how, and sum what connections and runs count", () => {
  captured();
  const before = counters(0);
  const log = new Log("error");
  log.info("call", { outcome: "ok" });
  log.info("call", { outcome: "token_rejected" });
  log.info("run_ended", { state: "lost", items: 3, droppedChars: 10 });
  log.info("connection_closed", { messages: 7, bytes: 900, duplicates: 1 });
  const { events, sums, since } = counters(0);
  expect(grown(events, before.events)).toEqual({
    "call ok": 1,
    "call token_rejected": 1,
    connection_closed: 1,
    "run_ended lost": 1,
  });
  expect(grown(sums, before.sums)).toEqual({
    items: 3,
    droppedChars: 10,
    messages: 7,
    bytes: 900,
    duplicates: 1,
  });
  expect(Date.parse(since)).toBeGreaterThan(0);
});
