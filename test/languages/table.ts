/**
 * The languages whose kernels are tested, each with its code for every
 * situation. What stands here of a kernel is what docs/languages.md says of it.
 */
export interface Language {
  /** As a person asks for it. */
  readonly name: string;
  readonly kernelspec: string;
  /** Other words that mean the same kernel. */
  readonly aliases: readonly string[];
  readonly remember: string;
  /** Prints the 42 that `remember` kept. */
  readonly recall: string;
  /** Prints `before` where the language gets that far, then fails. */
  readonly fail: string;
  /** What a failure shows, in this order. */
  readonly failure: RegExp;
  /** Prints `line 0` to `line 9`, each a moment after the one before. */
  readonly count: string;
  /** Prints `begun`, and goes on for longer than any test. */
  readonly endless: string;
  /** What an interrupt leaves: everything, the kernel without its variables, or a kernel in its place. */
  readonly interruptLeaves: "variables" | "kernel" | "another kernel";
  /** What the interrupted run shows. */
  readonly interrupted: RegExp;
  /** Ends the kernel's own process at once. */
  readonly die: string;
  /** Asks `Name? ` and greets whoever answers. Null where the kernel has no way to ask. */
  readonly input: string | null;
  /** Shows a PNG. */
  readonly plot: string;
  /** What the kernel tells of itself. */
  readonly look: Look;
}

/** What is seen in a kernel, and asked of it. */
export interface Look {
  /** Null where its variables cannot be looked at. */
  readonly variables: {
    /** Makes variables, one of which is a secret, "canary", and one that costs who looks at it an hour. */
    readonly make: string;
    /** Lines of the list. */
    readonly listed: readonly RegExp[];
    readonly name: string;
    readonly detail: RegExp;
    /** Prints what a look could change. */
    readonly traces: string;
  } | null;
  /** Code, and what its help says; null for a kernel that has none. */
  readonly help: readonly [code: string, says: RegExp] | null;
  /** Code, and what completes it. */
  readonly complete: readonly [code: string, match: string];
  /** Prints `later 0` to `later 9` after the run has ended; null where nothing runs on. */
  readonly later: string | null;
}

/** What `recall` shows of the 42, R in its own way. */
export const RECALLED = /^(\[1\] )?42$/m;

/** One black pixel. */
const PNG =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==";

const ALL: readonly Language[] = [
  {
    name: "python",
    kernelspec: "python3",
    aliases: ["Python", "python3", "py", "Python 3 (ipykernel)"],
    remember: "kept = 42",
    recall: "print(kept)",
    fail: "print('before')\n1 / 0",
    failure: /before\n[\s\S]*Traceback[\s\S]*ZeroDivisionError: division by zero/,
    count:
      "import time\nfor i in range(10):\n    print('line', i, flush=True)\n    time.sleep(0.2)",
    endless: "import time\nprint('begun', flush=True)\nwhile True: time.sleep(0.1)",
    interruptLeaves: "variables",
    interrupted: /begun\n[\s\S]*KeyboardInterrupt/,
    die: "import os; os._exit(1)",
    input: "print('Hello', input('Name? '))",
    plot: "import matplotlib.pyplot as plt\nplt.plot([1, 2, 3])\nplt.show()",
    look: {
      variables: {
        make: "import time\nnumbers = [1, 2, 3]\nsecret = 'canary'\nclass Slow:\n    def __repr__(self): time.sleep(3600)\nslow = Slow()",
        listed: [
          /^numbers {2}list {2}length 3 {2}\d+ B {2}\[1, 2, 3\]$/m,
          /^slow {2}Slow {2}\(took too long\)$/m,
        ],
        name: "numbers",
        detail: /\nitems:\n0: 1\n1: 2\n2: 3/,
        traces: "print(sorted(globals()), Out)",
      },
      help: ["len", /Return the number of items in a container/],
      complete: ["numb", "numbers"],
      later:
        "import threading, time\ndef later():\n    for i in range(10):\n        time.sleep(0.2)\n        print('later', i, flush=True)\nthreading.Thread(target=later).start()",
    },
  },
  {
    name: "bash",
    kernelspec: "bash",
    aliases: ["Bash", "sh", "shell"],
    remember: "kept=42",
    recall: "echo $kept",
    fail: "echo before\ncat /nowhere/at/all",
    failure: /before\n[\s\S]*No such file or directory/,
    count: "for i in {0..9}; do echo line $i; sleep 0.2; done",
    endless: "echo begun; while true; do sleep 0.1; done",
    interruptLeaves: "variables",
    interrupted: /begun\n\s*Interrupted: the kernel stopped this run before its end/,
    die: "kill -9 $PPID",
    input: null,
    plot: `echo ${PNG} | base64 -d | display`,
    look: {
      variables: null,
      help: null,
      complete: ["$kep", "$kept"],
      later: null,
    },
  },
  {
    name: "typescript",
    kernelspec: "deno",
    aliases: ["TypeScript", "deno", "ts", "javascript", "js"],
    remember: "const kept: number = 42",
    recall: "console.log(kept)",
    fail: "console.log('before');\nnull.nothing",
    failure: /before\n[\s\S]*TypeError/,
    count:
      "for (let i = 0; i < 10; i++) { console.log(`line ${i}`); await new Promise((done) => setTimeout(done, 200)); }",
    endless:
      "console.log('begun'); for (;;) await new Promise((done) => setTimeout(done, 100))",
    interruptLeaves: "another kernel",
    interrupted: /Lost: the kernel's process died[\s\S]*generation 2[\s\S]*begun/,
    die: "Deno.exit(1)",
    input: "console.log(`Hello ${prompt('Name? ')}`)",
    plot: `await Deno.jupyter.display({ "image/png": "${PNG}" }, { raw: true })`,
    look: {
      variables: {
        make: "const numbers = [1, 2, 3]; let secret = 'canary'; const slow = new Proxy({}, { get() { for (;;); }, ownKeys() { for (;;); } })",
        listed: [
          /^numbers {2}Array {2}length 3 {2}\[1, 2, 3\]$/m,
          /^slow {2}Proxy {2}Proxy$/m,
        ],
        name: "numbers",
        detail: /\nitems:\n0: number {2}1\n1: number {2}2\n2: number {2}3/,
        traces: "console.log(Object.getOwnPropertyNames(globalThis).join())",
      },
      help: null,
      complete: ["numb", "numbers"],
      later:
        "let i = 0; const timer = setInterval(() => { console.log(`later ${i}`); if (++i === 10) clearInterval(timer); }, 200)",
    },
  },
  {
    name: "r",
    kernelspec: "ir",
    aliases: ["R", "ir", "IR"],
    remember: "kept <- 42",
    recall: "print(kept)",
    fail: "cat('before\\n')\nstop('no such thing')",
    failure: /before\n[\s\S]*Error[\s\S]*no such thing/,
    count:
      "for (i in 0:9) { cat('line', i, '\\n', sep = ' '); flush.console(); Sys.sleep(0.2) }",
    endless: "cat('begun\\n'); flush.console(); while (TRUE) Sys.sleep(0.1)",
    interruptLeaves: "variables",
    interrupted: /begun\nInterrupted: the kernel stopped this run before its end/,
    die: "tools::pskill(Sys.getpid(), 9)",
    input: "cat('Hello', readline('Name? '))",
    plot: "plot(1:3)",
    look: {
      variables: {
        make: "set.seed(1); numbers <- c(1, 2, 3); secret <- 'canary'; slow <- structure(list(1), class = 'slow'); length.slow <- format.slow <- print.slow <- function(x, ...) Sys.sleep(3600)",
        listed: [
          /^numbers {2}numeric {2}length 3 {2}24 B {2}1, 2, 3$/m,
          /^slow {2}slow {2}length 1 {2}/m,
        ],
        name: "numbers",
        detail: /\nrange: min 1 {2}max 3 {2}mean 2\nvalues: 1, 2, 3/,
        traces: "print(list(ls(all.names = TRUE), .Random.seed[1:4], search()))",
      },
      help: ["mean(", /Generic function for the \(trimmed\) arithmetic mean/],
      complete: ["read.c", "read.csv"],
      later: null,
    },
  },
  {
    name: "rust",
    kernelspec: "rust",
    aliases: ["Rust", "rs"],
    remember: "let kept = 42;",
    recall: 'println!("{}", kept);',
    // What fails while it runs, by a panic or an Err, is no error to this kernel.
    fail: 'let kept: i32 = "text";',
    failure: /Error:[\s\S]*mismatched types/,
    count:
      'for i in 0..10 { println!("line {}", i); std::thread::sleep(std::time::Duration::from_millis(200)); }',
    endless:
      'println!("begun"); loop { std::thread::sleep(std::time::Duration::from_millis(100)); }',
    interruptLeaves: "kernel",
    interrupted: /begun\nSubprocess terminated/,
    die: 'std::process::Command::new("kill").arg("-9").arg(std::os::unix::process::parent_id().to_string()).status();',
    input: null,
    plot: `println!("EVCXR_BEGIN_CONTENT image/png\\n${PNG}\\nEVCXR_END_CONTENT");`,
    look: {
      variables: {
        make: 'let numbers = vec![1, 2, 3]; let secret = String::from("canary"); struct Plain; let slow = Plain;',
        listed: [/^numbers {2}Vec<i32>$/m, /^secret {2}String$/m, /^slow {2}Plain$/m],
        name: "numbers",
        detail: /\nvalue: \[1, 2, 3\]$/,
        traces: 'println!("{:?} {}", numbers, secret.len());',
      },
      help: ["numbers.push", /Appends an element to the back of a collection/],
      complete: ["numbers.pus", "push(value)"],
      // evcxr passes on only what is printed while a run goes on.
      later: null,
    },
  },
];

/** Those of the table that the tests' server has. */
export function installed(names: readonly string[]): readonly Language[] {
  return ALL.filter(({ name }) => names.includes(name));
}
