import { expect, test } from "vitest";
import { connect, cutConnections, eventually, jupyter } from "./support.ts";

const DATA = `
import numpy as np, pandas as pd
df = pd.DataFrame({"a": [1.5, 2, None], "b": list("xyz")})
series = pd.Series([1, 2, 3], name="s")
arr = np.arange(12.0).reshape(3, 4)
numbers = list(range(1000))
config = {"retries": 3, "nested": {"deep": [1, 2]}}
text = "hello"
def add(a, b=2, *, c: int = 3) -> int:
    """Adds them."""
    return a + b + c
class Point:
    """A place."""
    def __init__(self, x): self.x = x
    def move(self, by): self.x += by
point = Point(3)
`;

test("list_variables names type, shape or length, size and a short value, the newest first", async () => {
  await using client = await connect();
  const { conversation, kernel } = (await client.call("run_code", { code: DATA }))
    .execution;
  const listed = await client.call("list_variables", { conversation });
  expect(listed.isError).toBe(false);
  expect(listed.text.split("\n")).toEqual([
    `9 variables · python3 ${kernel?.slice(0, 8)} · ${conversation}`,
    "point  Point  Point(x=3)",
    "Point  type  class Point",
    "add  function  add(a, b=2, *, c: int = 3) -> int",
    expect.stringMatching(/^text  str  length 5  \d+ B  'hello'$/),
    expect.stringMatching(
      /^config  dict  length 2  \d+ B  \{'retries': 3, 'nested': \{'deep': \[…\]\}\}$/,
    ),
    expect.stringMatching(/^numbers  list  length 1000  8\.\d kB  \[0, 1, 2, .*, …\]$/),
    "arr  numpy.ndarray  3 × 4  96 B  float64: 0.0, 1.0, 2.0, 3.0, 4.0, …",
    "series  pandas.Series  3  24 B  int64: 1, 2, 3",
    expect.stringMatching(/^df  pandas\.DataFrame  3 × 2  \d+ B  columns a, b$/),
    "Imported: np = numpy, pd = pandas",
  ]);
  const some = await client.call("list_variables", { conversation, pattern: "*s" });
  expect(some.text).toMatch(/^2 variables .*\nnumbers .*\nseries /);
});

test("one variable is told of in detail: columns, missing values, head, range, items, documentation", async () => {
  await using client = await connect();
  const { conversation } = (await client.call("run_code", { code: DATA })).execution;
  const detail = async (name: string) =>
    (await client.call("list_variables", { conversation, name })).text;
  expect(await detail("df")).toMatch(
    /^df · pandas\.DataFrame · 3 × 2 · \d+ B · python3 .*\ncolumns a, b\ncolumns:\na {2}float64 {2}1 missing\nb {2}\w+ {2}0 missing\nhead:\n +a +b\n0 +1\.5 +x\n/,
  );
  expect(await detail("series")).toMatch(
    /missing: 0\nrange: min 1 {2}max 3 {2}mean 2\nhead:\n0 +1\n/,
  );
  expect(await detail("arr")).toContain("range: min 0.0  max 11.0  mean 5.5");
  expect(await detail("numbers")).toMatch(/\nitems:\n0: 0\n1: 1\n[^]*\n… 980 more$/);
  expect(await detail("config")).toContain("'nested': {'deep': [1, 2]}");
  expect(await detail("add")).toMatch(
    /\nadd\(a, b=2, \*, c: int = 3\) -> int\ndefined in: .*:8\ndocumentation: Adds them\.$/,
  );
  expect(await detail("Point")).toMatch(/documentation: A place\.\nmethods: move$/);
  expect(await detail("point")).toContain("fields: x: int = 3\nmethods: move");
  expect(await detail("np")).toMatch(/\nversion: \d+\.\d+/);
});

test("a name that is not there is told with those that are nearly the same", async () => {
  await using client = await connect();
  const { conversation } = (
    await client.call("run_code", { code: "frame = 1; other = 2" })
  ).execution;
  const missing = await client.call("list_variables", { conversation, name: "frames" });
  expect(missing.isError).toBe(true);
  expect(missing.text).toBe(
    'There is no variable "frames"; there is "frame".\nNext: Call list_variables without name for all of them.',
  );
});

/** What a look could change, as one line. */
const TRACES = `
def _traces():
    import json
    shell = get_ipython()
    last = lambda name: repr(shell.user_ns.get(name))
    return json.dumps([
        In, sorted(Out), last("_"), last("__"), last("___"), last("_i"),
        sorted(shell.user_ns), shell.execution_count,
        [line for _, _, line in shell.history_manager.get_range(0)],
        len(list(shell.history_manager.get_tail(1000, raw=True))),
    ])
`;

function traces(text: string): unknown[] {
  return JSON.parse(text.split("\n")[1] ?? "");
}

test("a look leaves no trace: In, Out, _, dir(), the execution count and the history are untouched", async () => {
  await using client = await connect();
  const run = (code: string, conversation?: string) =>
    client.call("run_code", { code, ...(conversation && { conversation }) });
  const { conversation } = (await run(`${DATA}\n${TRACES}`)).execution;
  await run("40 + 2", conversation);
  const before = await run("print(_traces())", conversation);
  for (const args of [{}, { name: "df" }, { name: "point" }, { name: "nope" }]) {
    await client.call("list_variables", { conversation, ...args });
  }
  for (const mode of ["help", "source", "complete"]) {
    await client.call("inspect_code", { conversation, code: "np.lins", mode });
  }
  const after = await run("print(_traces())", conversation);
  const [inputs, outs, last, second, third, _, names, count, history, stored] = traces(
    before.text,
  ) as [string[], ...unknown[]];
  const again = "print(_traces())";
  expect(traces(after.text)).toEqual([
    [...inputs, again],
    outs,
    last,
    second,
    third,
    JSON.stringify(again).replaceAll('"', "'"),
    // What IPython itself adds for each execution.
    expect.arrayContaining(names as string[]),
    Number(count) + 1,
    [...(history as string[]), again],
    Number(stored) + 1,
  ]);
  const added = (traces(after.text)[6] as string[]).filter(
    (name) => !(names as string[]).includes(name),
  );
  expect(added).toEqual(["_i4"]);
  expect(after.execution.execution).toBe("e4");
});

test("hostile values cost a bounded time, print nothing, and hide nothing of the others", async () => {
  await using client = await connect();
  const code = `
import time, signal
class Sleeps:
    def __init__(self): self.inside = 7
    def __repr__(self): time.sleep(600)
class Raises:
    def __repr__(self): raise RuntimeError("no")
    def __len__(self): raise RuntimeError("no")
    def __getattr__(self, name): raise RuntimeError("no")
class Exits:
    def __repr__(self): raise SystemExit
class Stubborn:
    def __repr__(self):
        until = time.monotonic() + 1
        while time.monotonic() < until:
            try: time.sleep(0.01)
            except Exception: pass
        return "at last"
class Prints:
    def __repr__(self): print("LOUD"); return "quiet"
class Lies(dict):
    def __len__(self): time.sleep(600)
    def items(self): time.sleep(600)
class Meta(type):
    @property
    def __name__(cls): time.sleep(600)
class Named(metaclass=Meta): pass
class Claims:
    @property
    def __class__(self): time.sleep(600)
sleeps, raises, exits, stubborn, prints, lies, named, claims = Sleeps(), Raises(), Exits(), Stubborn(), Prints(), Lies(a=1), Named(), Claims()
deep = []; deep.append(deep)
huge_int = 10 ** 100_000
long = "x" * 50_000_000
plain = 5
alarms = signal.getsignal(signal.SIGALRM)
`;
  const { conversation } = (await client.call("run_code", { code })).execution;
  const listed = await client.call("list_variables", { conversation });
  expect(listed.isError).toBe(false);
  expect(listed.text).not.toContain("LOUD");
  const line = (name: string) =>
    listed.text.split("\n").find((each) => each.startsWith(`${name}  `));
  expect(line("sleeps")).toBe("sleeps  Sleeps  (took too long)");
  expect(line("raises")).toBe("raises  Raises  (raises RuntimeError)");
  expect(line("exits")).toBe("exits  Exits  (raises SystemExit)");
  expect(line("prints")).toBe("prints  Prints  quiet");
  expect(line("lies")).toMatch(/^lies {2}Lies {2}length 1 {2}/);
  expect(line("deep")).toMatch(/^deep {2}list {2}length 1 /);
  expect(line("huge_int")).toContain("an integer of 332193 bits");
  expect(line("long")).toMatch(/^long {2}str {2}length 50000000 {2}50\.0 MB {2}'xxx.*…$/);
  expect(line("plain")).toMatch(/ 5$/);
  for (const name of ["named", "claims", "stubborn"])
    expect(line(name)).toBeTypeOf("string");
  const detail = await client.call("list_variables", { conversation, name: "sleeps" });
  expect(detail.text).toMatch(
    /^sleeps · Sleeps · .*\n\(took too long\)\nfields: inside: int = 7/,
  );
  // The user's own handler and timer are as they were, and nothing rings later.
  const left = await client.call("run_code", {
    conversation,
    code: "print(signal.getsignal(signal.SIGALRM) == alarms, signal.getitimer(signal.ITIMER_REAL)); time.sleep(0.5)",
  });
  expect(left.text).toContain("\nTrue (0.0, 0.0)");
  expect(left.execution.state).toBe("ok");
});

test("large data is looked at in part: an array of 10 GB, a table of 20 million rows, 5,000 variables", async () => {
  await using client = await connect();
  const code = `
import numpy as np, pandas as pd
ten_gb = np.zeros(10 * 2**27)
tall = pd.DataFrame({"n": np.zeros(20_000_000), "flag": np.ones(20_000_000, dtype=bool)})
wide = pd.DataFrame(np.zeros((3, 3_000)))
`;
  const { conversation } = (await client.call("run_code", { code })).execution;
  const array = await client.call("list_variables", { conversation, name: "ten_gb" });
  expect(array.text).toMatch(
    /1342177280 · 10\.7 GB .*\n.*\nrange: min 0\.0 .*\(of 999388 of its elements\)/,
  );
  const tall = await client.call("list_variables", { conversation, name: "tall" });
  expect(tall.text).toContain(
    "n  float64  0 missing\nflag  bool  0 missing\n(missing values of the first 1000000 rows)",
  );
  const wide = await client.call("list_variables", { conversation, name: "wide" });
  expect(wide.text).toContain("… 2900 more columns");
  await client.call("run_code", {
    conversation,
    code: "for i in range(5_000): globals()[f'v{i}'] = [i] * 100",
  });
  const many = await client.call("list_variables", { conversation });
  expect(many.text).toMatch(/^5004 variables /);
  expect(many.text).toMatch(/\n… \d+ more\. Next: list_variables with pattern/);
  expect(many.text.length).toBeLessThan(11_000);
  const one = await client.call("list_variables", { conversation, pattern: "v4321" });
  expect(one.text).toMatch(/^1 variable .*\nv4321 {2}list /);
});

test("values that look like secrets are covered, and that is said", async () => {
  await using client = await connect();
  const code = `
api_key = "canary-1"
settings = {"password": "canary-2", "retries": 3}
url = "postgres://ada:canary-3@db.example.com/main"
github = "ghp_" + "canary4" * 6
import pandas as pd
users = pd.DataFrame({"id": [1], "password": ["canary-5"]})
class Client:
    def __init__(self): self.token = "canary-6"
client = Client()
max_tokens = 100
`;
  const { conversation } = (await client.call("run_code", { code })).execution;
  const texts = [(await client.call("list_variables", { conversation })).text];
  for (const name of ["api_key", "settings", "url", "github", "users", "client"])
    texts.push((await client.call("list_variables", { conversation, name })).text);
  expect(texts.join("\n")).not.toContain("canary");
  expect(texts[0]).toMatch(/\n\d values look like secrets and are not shown \(•••\)\.$/);
  expect(texts[0]).toMatch(/\nmax_tokens {2}int .* 100\n/);
});

test("a busy kernel says so at once, and what keeps it busy", async () => {
  await using client = await connect();
  const { conversation, kernel } = (
    await client.call("run_code", {
      code: "import time; time.sleep(120)",
      wait_seconds: 2,
    })
  ).execution;
  for (const [tool, args] of [
    ["list_variables", {}],
    ["inspect_code", { code: "time" }],
  ] as const) {
    const busy = await client.call(tool, { conversation, ...args });
    expect(busy.isError).toBe(true);
    expect(busy.text).toMatch(
      /^Kernel \w+ runs e1; until that ends it answers nothing else\.\nNext: Call get_output with execution "e1" to wait for it, or interrupt_kernel/,
    );
  }
  // For somebody else it is another client's run.
  await eventually(
    async () =>
      (await jupyter(`/api/kernels/${kernel}`)).json<{ execution_state: string }>(),
    ({ execution_state }) => execution_state === "busy",
  );
  const other = (await client.call("run_code", { code: "1" })).execution.conversation;
  const foreign = await client.call("list_variables", { conversation: other, kernel });
  expect(foreign.text).toMatch(/^Kernel \w+ runs something for another client;/);
  await client.call("interrupt_kernel", { conversation });
  const asks = await client.call("run_code", { code: "input('Name? ')", conversation });
  const waiting = await client.call("list_variables", { conversation });
  expect(waiting.text).toMatch(
    new RegExp(
      `waits for the input of ${asks.execution.execution};.*\nNext: Call send_input`,
    ),
  );
});

test("a look attaches to a kernel by its id, and does not make it the current one", async () => {
  await using client = await connect();
  const { kernel } = (await client.call("run_code", { code: "theirs = 1" })).execution;
  const { conversation } = (await client.call("run_code", { code: "mine = 2" }))
    .execution;
  const there = await client.call("list_variables", { conversation, kernel });
  expect(there.text).toMatch(/\ntheirs {2}int /);
  const here = await client.call("list_variables", { conversation });
  expect(here.text).toMatch(/\nmine {2}int /);
});

test("a look at a kernel that is gone, or that never was, says so", async () => {
  await using client = await connect();
  const { conversation, kernel } = (await client.call("run_code", { code: "x = 1" }))
    .execution;
  const unknown = await client.call("list_variables", { conversation, kernel: "ffff" });
  expect(unknown.text).toMatch(/^There is no kernel ffff/);
  await jupyter(`/api/kernels/${kernel}`, { method: "DELETE" });
  const gone = await client.call("list_variables", { conversation });
  expect(gone.text).toMatch(/^Kernel python3 \w+ is gone/);
});

test("a kernel that another client restarted has no variables, and the look says why", async () => {
  await using client = await connect();
  const { conversation, kernel } = (await client.call("run_code", { code: "x = 1" }))
    .execution;
  // Long enough for the socket to have been let go of.
  await eventually(
    async () => (await jupyter(`/api/kernels/${kernel}`)).json<{ connections: number }>(),
    ({ connections }) => connections === 0,
  );
  await jupyter(`/api/kernels/${kernel}/restart`, { method: "POST" });
  const looked = await client.call("list_variables", { conversation });
  expect(looked.text).toMatch(
    /^0 variables .*\nThe kernel was restarted \(generation 2\)/,
  );
});

test("a look whose connection breaks is told, or has its answer; the next one has it", async () => {
  await using client = await connect();
  const { conversation } = (await client.call("run_code", { code: "x = 1" })).execution;
  const looking = client.call("list_variables", { conversation });
  await cutConnections();
  const cut = await looking;
  // It is asked again by itself, unless the cut met that too.
  expect(cut.text).toMatch(/^1 variable |\nNext: .*[Cc]all again/);
  const again = await eventually(
    () => client.call("list_variables", { conversation }),
    ({ isError }) => !isError,
  );
  expect(again.text).toMatch(/^1 variable /);
});

test("what a thread prints while somebody looks stays with its run", async () => {
  await using client = await connect();
  const code = `
import threading, time
def tell():
    for i in range(40):
        print(f"line {i}", flush=True)
        time.sleep(0.05)
thread = threading.Thread(target=tell)
thread.start()
`;
  const run = await client.call("run_code", { code });
  expect(run.execution.state, run.text).toBe("ok");
  const { conversation, execution } = run.execution;
  await eventually(
    () => client.call("list_variables", { conversation, pattern: "thread" }),
    ({ text }) => text.includes("stopped"),
  );
  // It comes another way than the answer that tells of the thread's end.
  const read = await eventually(
    () => client.call("get_output", { conversation, execution }),
    ({ text }) => text.includes("line 39"),
  );
  expect(read.text.match(/^line \d+$/gm)).toEqual(
    Array.from({ length: 40 }, (_, index) => `line ${index}`),
  );
});
