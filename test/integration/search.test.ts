import { abortAllDurableObjects, runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, inject, test } from "vitest";
import { hashServer, LOCAL_PRINCIPAL, workspaceName } from "../../src/identity.ts";
import type { Called } from "../support/mcp-client.ts";
import { notebookOf, putText } from "./notebook-support.ts";
import { connect, controlUrl, eventually, jupyter, whileJupyterIs } from "./support.ts";

/** What `_meta["jupyter-edge/search"]` holds. */
interface SearchMeta {
  readonly matches: readonly { path: string; cell: string; line: number }[];
  readonly indexed: number;
  readonly total: number;
  readonly checkedAt: string | null;
}

function searchOf(called: Called): SearchMeta {
  expect(called.isError, called.text).toBe(false);
  // Its form is what the tests are about.
  return called.meta["jupyter-edge/search"] as SearchMeta;
}

function notebookText(
  cells: readonly { type?: string; source: string; output?: string }[],
  language = "python",
): string {
  return JSON.stringify({
    cells: cells.map(({ type = "code", source, output }, index) => ({
      cell_type: type,
      id: `cell-${index}`,
      metadata: {},
      source: source.split(/(?<=\n)/),
      ...(type === "code" && {
        execution_count: null,
        outputs:
          output === undefined
            ? []
            : [{ output_type: "stream", name: "stdout", text: [output] }],
      }),
    })),
    metadata: { kernelspec: { name: "k", display_name: "K", language } },
    nbformat: 4,
    nbformat_minor: 5,
  });
}

async function localWorkspace() {
  const serverHash = await hashServer(`http://127.0.0.1:${inject("gateway").port}`);
  const owner = { principal: LOCAL_PRINCIPAL, serverHash };
  return env.WORKSPACE.getByName(workspaceName(owner));
}

/** Waits until a request is held back, while Jupyter is slow. */
async function untilJupyterIsAsked(): Promise<void> {
  await eventually(
    async () => (await fetch(controlUrl("/waiting"))).json<number>(),
    (waiting) => waiting > 0,
  );
}

test("code, text and outputs are found in all folders, by words, phrases and parts of names", async () => {
  await using client = await connect();
  await jupyter("/api/contents/find", {
    method: "PUT",
    body: JSON.stringify({ type: "directory" }),
  });
  await jupyter("/api/contents/find/deep", {
    method: "PUT",
    body: JSON.stringify({ type: "directory" }),
  });
  await putText(
    "find/deep/loader.ipynb",
    notebookText([
      {
        source:
          "import pandas as pd\n\ndef load_data_2024(path):\n    return pd.read_csv(path)",
      },
      { type: "markdown", source: "# Loading the yearly figures\nfrom the archive" },
      { source: "print('x')", output: "archive has 12 figures\n" },
    ]),
  );
  await putText("find/plot.ipynb", notebookText([{ source: "plot(figures)" }], "R"));
  const search = (query: string, more: object = {}) =>
    client.call("search_notebooks", { query, path: "find/**", fresh: true, ...more });

  const part = searchOf(await search("load_da"));
  expect(part.matches).toEqual([
    { path: "find/deep/loader.ipynb", cell: "cell-0", line: 3 },
  ]);
  const words = await search("figures archive");
  expect(searchOf(words).matches.map(({ cell }) => cell)).toEqual(["cell-1", "cell-2"]);
  expect(words.text).toMatch(/── find\/deep\/loader\.ipynb · cell 2 cell-1 markdown/);
  expect(words.text).toMatch(/> 1\t# Loading the yearly figures/);
  const phrase = searchOf(await search('"yearly figures"'));
  expect(phrase.matches).toHaveLength(1);
  const short = searchOf(await search("pd"));
  expect(short.matches.map(({ line }) => line)).toEqual([1]);
  const outputs = searchOf(await search("figures", { in: ["outputs"] }));
  expect(outputs.matches.map(({ cell }) => cell)).toEqual(["cell-2"]);
  const language = searchOf(await search("figures", { language: "r" }));
  expect(language.matches.map(({ path }) => path)).toEqual(["find/plot.ipynb"]);
  const regex = searchOf(await search(String.raw`def \w+_20\d\d\(`, { regex: true }));
  expect(regex.matches).toHaveLength(1);
  const none = await search("nowhere_to_be_found");
  expect(none.text).toMatch(/^0 matches · \d+ of \d+ notebooks searched/);
});

test("signs of query languages are text, and what cannot be asked for is told", async () => {
  await using client = await connect();
  await putText(
    "signs.ipynb",
    notebookText([{ source: 'x = "a" * 3 - NEAR(2) # OR AND ^f:' }]),
  );
  const search = (query: string, more: object = {}) =>
    client.call("search_notebooks", { query, path: "signs.ipynb", fresh: true, ...more });
  for (const query of ["NEAR(", '"a" *', "-", "* 3 -", "^f:", 'OR "AND"', "#"])
    expect(searchOf(await search(query)).matches, query).toHaveLength(1);
  for (const query of ["", "   ", '""'])
    expect((await search(query)).text).toMatch(/asks for nothing/);
  expect((await search("(", { regex: true })).text).toMatch(/regular expression/i);
  expect((await search("x*", { regex: true })).text).toMatch(
    /matches where there is nothing/,
  );
  const long = await client
    .call("search_notebooks", { query: "x".repeat(10_000) })
    .catch((error: unknown) => ({ isError: true, text: String(error) }));
  expect(long.isError).toBe(true);
  expect(long.text).toMatch(/1000 characters|<=1000/);
  const far = await client.call("search_notebooks", { query: "x", path: "no/such/**" });
  expect(searchOf(far).matches).toEqual([]);
});

test("what was written is found by whoever has not heard yet that the writer is done", async () => {
  await using client = await connect();
  const path = "turns/one.ipynb";
  await client.call("create_notebook", {
    path,
    cells: [{ cell_type: "code", source: "before_marker = 1" }],
  });
  const find = async (query: string) =>
    searchOf(await client.call("search_notebooks", { query })).matches.map(
      ({ path: found }) => found,
    );
  expect(await find("before_marker")).toEqual([path]);
  let found: string[] = [];
  await (
    await localWorkspace()
  ).exclusively(path, async () => {
    await putText(path, notebookText([{ source: "written_marker = 1" }]));
    found = await find("written_marker");
  });
  expect(found).toEqual([path]);
});

test("what is changed here is found at once, and what others change when it is looked for", async () => {
  await using client = await connect();
  const made = await client.call("create_notebook", {
    path: "fresh/one.ipynb",
    cells: [{ cell_type: "code", source: "first_marker = 1" }],
  });
  const find = async (query: string, fresh = false) =>
    searchOf(await client.call("search_notebooks", { query, fresh })).matches.map(
      ({ path }) => path,
    );
  expect(await find("first_marker")).toEqual(["fresh/one.ipynb"]);
  const { version, cells } = notebookOf(made);
  await client.call("edit_notebook", {
    path: "fresh/one.ipynb",
    version,
    edits: [{ op: "replace", cell: cells[0]?.id, source: "print('second_' + 'marker')" }],
  });
  expect(await find("first_marker")).toEqual([]);
  await client.call("run_cells", { path: "fresh/one.ipynb", cells: "all" });
  expect(await find("second_marker")).toEqual(["fresh/one.ipynb"]);
  await client.call("move_file", { from: "fresh", to: "fresh-moved" });
  expect(await find("second_marker")).toEqual(["fresh-moved/one.ipynb"]);
  await client.call("copy_file", {
    from: "fresh-moved/one.ipynb",
    to: "fresh-moved/two.ipynb",
  });
  expect(await find("second_marker")).toEqual([
    "fresh-moved/two.ipynb",
    "fresh-moved/one.ipynb",
  ]);
  await client.call("delete_file", { path: "fresh-moved/two.ipynb" });
  expect(await find("second_marker")).toEqual(["fresh-moved/one.ipynb"]);

  await putText(
    "fresh-moved/theirs.ipynb",
    notebookText([{ source: "third_marker = 3" }]),
  );
  expect(await find("third_marker", true)).toEqual(["fresh-moved/theirs.ipynb"]);
  await putText("fresh-moved/theirs.ipynb", "{ no notebook");
  expect(await find("third_marker", true)).toEqual([]);
  await jupyter("/api/contents/fresh-moved/one.ipynb", { method: "DELETE" });
  expect(await find("second_marker", true)).toEqual([]);
});

test("pages show every match once", async () => {
  await using client = await connect();
  const cells = Array.from({ length: 350 }, (_, index) => ({
    source: `paged_marker = ${index}`,
  }));
  await putText("paged.ipynb", notebookText(cells));
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await client.call("search_notebooks", {
      query: "paged_marker",
      limit: 40,
      fresh: cursor === undefined,
      ...(cursor !== undefined && { cursor }),
    });
    seen.push(...searchOf(page).matches.map(({ cell }) => cell));
    const next = page.meta["jupyter-edge/page"] as { cursor: string } | undefined;
    cursor = next?.cursor;
  } while (cursor !== undefined);
  expect(seen).toHaveLength(350);
  expect(new Set(seen).size).toBe(350);
});

test("a Jupyter that is down is told of, and what is known is found all the same", async () => {
  await using client = await connect();
  await putText("known.ipynb", notebookText([{ source: "known_marker" }]));
  await client.call("search_notebooks", { query: "known_marker", fresh: true });
  await using other = await connect("first");
  await whileJupyterIs("down", async () => {
    const found = await other.call("search_notebooks", {
      query: "known_marker",
      fresh: true,
    });
    expect(searchOf(found).matches).toHaveLength(1);
    expect(found.text).toMatch(
      /Changes by others may be missing: Jupyter at .* cannot be reached/,
    );
  });
});

test("a search goes on by itself when its object is interrupted, as by a deploy", async () => {
  await using client = await connect();
  await putText("deployed.ipynb", notebookText([{ source: "deployed_marker" }]));
  const { searching } = await whileJupyterIs("slow", async () => {
    const begun = client.call("search_notebooks", {
      query: "deployed_marker",
      fresh: true,
    });
    // The listing waits for Jupyter by now; what comes later is answered at once.
    await untilJupyterIsAsked();
    return { searching: begun };
  });
  await abortAllDurableObjects();
  expect(searchOf(await searching).matches).toEqual([
    { path: "deployed.ipynb", cell: "cell-0", line: 1 },
  ]);
});

test("an alarm goes on with what was being read when its object crashed", async () => {
  await using client = await connect();
  const cells = [{ cell_type: "code", source: "resumed_marker = 1" }];
  await client.call("create_notebook", { path: "resumed.ipynb", cells });
  await client.call("search_notebooks", { query: "resumed_marker", fresh: true });
  await client.call("copy_file", { from: "resumed.ipynb", to: "resumed-copy.ipynb" });
  const workspace = await localWorkspace();
  const { alarm } = await whileJupyterIs(
    "slow",
    async () => {
      const begun = runDurableObjectAlarm(workspace).catch(() => false);
      await untilJupyterIsAsked();
      return { alarm: begun };
    },
    "GET /files/resumed-copy.ipynb",
  );
  await abortAllDurableObjects();
  await alarm;
  const again = await localWorkspace();
  expect(await runDurableObjectAlarm(again)).toBe(true);
  const found = await client.call("search_notebooks", { query: "resumed_marker" });
  expect(searchOf(found).matches.map(({ path }) => path)).toEqual([
    "resumed-copy.ipynb",
    "resumed.ipynb",
  ]);
});

test("sources and outputs of a notebook in nbformat 3 are found, in cells that read_notebook knows", async () => {
  await using client = await connect();
  const old = {
    nbformat: 3,
    nbformat_minor: 0,
    metadata: { name: "old" },
    worksheets: [
      {
        cells: [
          { cell_type: "heading", level: 2, metadata: {}, source: ["Ancient heading"] },
          {
            cell_type: "code",
            collapsed: false,
            language: "python",
            metadata: {},
            input: ["first = 6\n", "ancient_input(first)"],
            prompt_number: 3,
            outputs: [
              { output_type: "stream", stream: "stdout", text: ["ancient print\n"] },
              {
                output_type: "pyout",
                prompt_number: 3,
                metadata: {},
                text: ["ancient 42"],
              },
              {
                output_type: "pyerr",
                ename: "AncientError",
                evalue: "too old",
                traceback: ["AncientError: too old"],
              },
            ],
          },
        ],
      },
    ],
  };
  await putText("ancient.ipynb", JSON.stringify(old));
  const found = async (query: string, kind: string) => {
    const called = await client.call("search_notebooks", { query, fresh: true });
    const { matches } = searchOf(called);
    expect(matches, query).toMatchObject([{ path: "ancient.ipynb" }]);
    expect(called.text).toMatch(
      new RegExp(`^── ancient\\.ipynb · cell \\d \\S+ ${kind}$`, "m"),
    );
    return matches[0]!.cell;
  };
  const cells = [
    await found("ancient_input", "code"),
    await found('"ancient print"', "outputs"),
    await found('"ancient 42"', "outputs"),
    await found('"AncientError: too old"', "outputs"),
    await found("ancient heading", "markdown"),
  ];
  expect(new Set(cells.slice(0, 4)).size).toBe(1);
  const read = await client.call("read_notebook", {
    path: "ancient.ipynb",
    cells: [...new Set(cells)],
  });
  expect(read.isError, read.text).toBe(false);
  expect(notebookOf(read).cells.map(({ id }) => id)).toEqual([cells[4], cells[0]]);
  expect(read.text).toMatch(
    /Ancient heading[\s\S]*ancient_input\(first\)[\s\S]*ancient print/,
  );
});

/** Makes notebooks in folders, from a seed, as anybody's Python would; and looks through them, one by one. */
const CORPUS = String.raw`
import json, os, random, re, shutil
ROOT = 'corpus'
WORDS = 'load data frame plot model train loss figure table merge group filter index value total mean sum error sample yearly'.split()

def cell(rng, number):
    kind = rng.choice(['code', 'code', 'code', 'markdown'])
    words = [rng.choice(WORDS) for _ in range(rng.randint(3, 30))]
    words.insert(rng.randint(0, 3), '_'.join(rng.sample(WORDS, 3)) + '_' + str(rng.randint(2000, 2030)))
    if rng.random() < 0.2: words.append(rng.choice(['df', 'pd', 'x1']))
    lines = [' '.join(words[at:at + 6]) for at in range(0, len(words), 6)]
    made = {'cell_type': kind, 'id': f'c{number}', 'metadata': {}, 'source': [line + '\n' for line in lines]}
    if kind == 'code':
        made['execution_count'] = None
        made['outputs'] = [] if rng.random() < 0.5 else [{'output_type': 'stream', 'name': 'stdout', 'text': [f'{rng.choice(WORDS)} {rng.random():.4f}\n']}]
    return made

def make(notebooks, folders, seed=1):
    shutil.rmtree(ROOT, ignore_errors=True)
    rng = random.Random(seed)
    for number in range(notebooks):
        folder = f'{ROOT}/f{number % folders}/sub' if number % 3 == 0 else f'{ROOT}/f{number % folders}'
        os.makedirs(folder, exist_ok=True)
        language = 'r' if number % 10 == 0 else 'python'
        notebook = {'cells': [cell(rng, n) for n in range(20)], 'metadata': {'kernelspec': {'name': 'k', 'display_name': 'K', 'language': language}}, 'nbformat': 4, 'nbformat_minor': 5}
        with open(f'{folder}/n{number}.ipynb', 'w') as file: json.dump(notebook, file)

def texts():
    for folder, _, names in os.walk(ROOT):
        for name in names:
            path = f'{folder}/{name}'
            try: notebook = json.load(open(path))
            except ValueError: continue
            language = notebook['metadata']['kernelspec']['language']
            for made in notebook['cells']:
                kind = 'source' if made['cell_type'] == 'code' else 'markdown'
                yield path, language, made['id'], kind, ''.join(made['source'])
                for output in made.get('outputs', []):
                    yield path, language, made['id'], 'outputs', ''.join(output['text']).rstrip('\n')

def has(text, query, regex):
    if regex: return re.search(query, text, re.M) is not None
    low = text.lower()
    for phrase, word in re.findall(r'"([^"]+)"|(\S+)', query):
        term = (phrase or word).lower()
        if phrase or len(term) > 2:
            if term not in low: return False
        elif not re.search(r'(?<!\w)' + re.escape(term) + r'(?!\w)', low): return False
    return True

def scan(query, regex=False, kinds=('source', 'markdown', 'outputs'), language=None, path=None):
    found = sorted([p, c, k] for p, l, c, k, t in texts()
        if k in kinds and (language is None or l == language) and (path is None or re.fullmatch(path, p)) and has(t, query, regex))
    print(json.dumps(found))
`;

/** A question, for the tool and for the plain look. */
const QUESTIONS: readonly {
  readonly query: string;
  readonly regex?: true;
  readonly in?: readonly string[];
  readonly language?: string;
  readonly path?: string;
  /** The glob as Python's regular expression. */
  readonly pathRegex?: string;
}[] = [
  { query: "yearly" },
  { query: "load plot" },
  { query: '"mean sum"' },
  { query: "el_tr" },
  { query: "LOSS_" },
  { query: "df" },
  { query: "pd model" },
  { query: "x1 df" },
  { query: "_2007" },
  { query: "nothing_like_this" },
  { query: "total", in: ["outputs"] },
  { query: "total", in: ["markdown"] },
  { query: "merge_", in: ["source"] },
  { query: "_20", language: "r" },
  {
    query: "frame_",
    path: "corpus/f1*/sub/*",
    pathRegex: String.raw`corpus/f1[^/]*/sub/[^/]*`,
  },
  { query: "df", path: "corpus/f2/**", pathRegex: String.raw`corpus/f2/.*` },
  { query: "merge", path: "corpus/nowhere/**", pathRegex: "corpus/nowhere/.*" },
  { query: String.raw`df.*model`, regex: true },
  { query: String.raw`load_\w+_20[01]\d`, regex: true },
  { query: String.raw`^(plot|train) [a-f]`, regex: true },
  { query: String.raw`0\.\d*77`, regex: true, in: ["outputs"] },
  { query: String.raw`(load|plot)_\w+_201[47]`, regex: true },
  { query: String.raw`yearly$|mean_[lt]\w*_2\d{3}`, regex: true },
  { query: String.raw`\bd[fz]\b.*x1`, regex: true },
  { query: "(?i)LOSS_T", regex: true },
];

test(
  "every match that a plain look finds is found, and no other, before and after changes",
  { timeout: 300_000 },
  async () => {
    await using client = await connect();
    const begun = await client.call("run_code", { code: CORPUS, kernel: "python" });
    const { conversation } = begun.execution;
    const python = async (code: string) => {
      const ran = await client.call("run_code", {
        conversation,
        code,
        wait_seconds: 50,
        max_output_chars: 80_000,
      });
      expect(ran.isError, ran.text).toBe(false);
      return ran;
    };
    const compare = async () => {
      for (const { pathRegex, query, ...more } of QUESTIONS) {
        const found: string[] = [];
        let cursor: string | undefined;
        do {
          const page = await client.call("search_notebooks", {
            path: "corpus/**",
            ...more,
            query,
            limit: 100,
            ...(cursor !== undefined && { cursor }),
          });
          const meta = searchOf(page);
          expect(meta.indexed, page.text).toBeGreaterThan(900);
          const kinds = [...page.text.matchAll(/^── (\S+) · cell \d+ (\S+) (\w+)$/gm)];
          expect(kinds).toHaveLength(meta.matches.length);
          found.push(
            ...kinds.map(
              ([, path, cell, kind]) =>
                `${path} ${cell} ${kind === "code" ? "source" : kind}`,
            ),
          );
          const next = page.meta["jupyter-edge/page"] as { cursor: string } | undefined;
          cursor = next?.cursor;
        } while (cursor !== undefined);
        const args = [
          JSON.stringify(query),
          ...(more.regex === true ? ["regex=True"] : []),
          ...(more.in === undefined ? [] : [`kinds=${JSON.stringify(more.in)}`]),
          ...(more.language === undefined
            ? []
            : [`language=${JSON.stringify(more.language)}`]),
          ...(pathRegex === undefined ? [] : [`path=${JSON.stringify(pathRegex)}`]),
        ];
        await python(`import contextlib, io
with open('scan.json', 'w') as file:
    with contextlib.redirect_stdout(file): scan(${args.join(", ")})`);
        const scanned: string[][] = await (await jupyter("/files/scan.json")).json();
        expect(found.toSorted(), query).toEqual(
          scanned.map((hit) => hit.join(" ")).toSorted(),
        );
        expect(new Set(found).size, query).toBe(found.length);
      }
    };
    const refresh = () =>
      eventually(
        () => client.call("search_notebooks", { query: "yearly", fresh: true }),
        (called) => !called.text.includes("still being built"),
        120_000,
      );
    await python("make(1000, 150)");
    await refresh();
    await compare();
    await python(`
rng = random.Random(2)
files = sorted(p for p in {t[0] for t in texts()})
for path in rng.sample(files, 60):
    notebook = json.load(open(path))
    notebook['cells'] = [cell(rng, n) for n in range(rng.randint(0, 25))]
    json.dump(notebook, open(path, 'w'))
for path in rng.sample(files, 40):
    if os.path.exists(path): os.remove(path)
for path in rng.sample(files, 40):
    if os.path.exists(path): os.rename(path, path.replace('.ipynb', '_renamed.ipynb'))
shutil.move('corpus/f7', 'corpus/moved')
open(rng.choice(sorted({t[0] for t in texts()})), 'w').write('{"cells": [')
`);
    await refresh();
    await compare();
    await python("shutil.rmtree(ROOT)");
  },
);

test(
  "a build that is broken off again and again goes on, and two conversations search meanwhile",
  { timeout: 120_000 },
  async () => {
    await using client = await connect();
    await using other = await connect("first");
    const cells = Array.from({ length: 60 }, (_, index) => ({
      source: `broken_off_marker = ${index}\n`.repeat(20),
    }));
    const text = notebookText(cells);
    for (let number = 0; number < 40; number += 1)
      await putText(`build${number}.ipynb`, text);
    await client.call("search_notebooks", { query: "nothing_yet", fresh: true });
    for (let number = 0; number < 40; number += 1)
      await putText(`build${number}.ipynb`, `${text.slice(0, -1)} }`);
    let state = 7;
    const random = () => (state = (state * 16_807) % 2_147_483_647) / 2_147_483_647;
    for (let round = 0; round < 8; round += 1) {
      const searching = client
        .call("search_notebooks", { query: "broken_off_marker", fresh: round === 0 })
        .catch(() => null);
      const also = other.call("search_notebooks", { query: "marker" }).catch(() => null);
      await eventually(
        () => random(),
        (value) => value < 0.3,
      );
      await abortAllDurableObjects();
      await Promise.all([searching, also]);
      const workspace = await localWorkspace();
      await runDurableObjectAlarm(workspace).catch(() => false);
    }
    const whole = await eventually(
      () => client.call("search_notebooks", { query: "broken_off_marker", limit: 1 }),
      ({ text: said, isError }) => !isError && !said.includes("still being built"),
    );
    searchOf(whole);
    const seen = new Set<string>();
    let cursor: string | undefined;
    do {
      const page = await client.call("search_notebooks", {
        query: "broken_off_marker",
        limit: 100,
        ...(cursor !== undefined && { cursor }),
      });
      for (const { path, cell } of searchOf(page).matches) {
        expect(seen.has(`${path} ${cell}`)).toBe(false);
        seen.add(`${path} ${cell}`);
      }
      const next = page.meta["jupyter-edge/page"] as { cursor: string } | undefined;
      cursor = next?.cursor;
    } while (cursor !== undefined);
    expect(seen.size).toBe(40 * 60);
  },
);
