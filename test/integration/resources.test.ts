import { expect, test } from "vitest";
import type { ClientKind, McpClient } from "../support/mcp-client.ts";
import { notebookOf, putText } from "./notebook-support.ts";
import { connect, eventually, whileJupyterIs } from "./support.ts";

const KINDS: readonly ClientKind[] = ["modern", "legacy", "first"];
const FILES = "jupyter://files/{+path}";
const NOTEBOOKS = "jupyter://notebooks/{+path}";
const EXECUTIONS = "jupyter://conversations/{conversation}/executions/{execution}";
const PIXEL =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/** What a read that fails says: the error's code, its data and its words. */
async function refusal(client: McpClient, uri: string) {
  try {
    await client.read(uri);
  } catch (error) {
    const { code, data, message } = error as {
      code: number;
      data: unknown;
      message: string;
    };
    return { code, data, message };
  }
  throw new Error(`${uri} can be read`);
}

/** Values that complete what is typed for a variable of a template. */
async function completed(
  client: McpClient,
  uri: string,
  [name, value]: readonly [string, string],
  others?: Readonly<Record<string, string>>,
): Promise<readonly string[]> {
  const ref = { type: "ref/resource", uri } as const;
  return (await client.complete(ref, { name, value }, others)).values;
}

test.for(KINDS)(
  "client %s finds templates, completes a path, and reads a notebook, a file and an output",
  async (kind) => {
    await using client = await connect(kind);
    const templates = await client.listTemplates();
    expect(templates.map(({ uriTemplate }) => uriTemplate)).toEqual([
      NOTEBOOKS,
      FILES,
      EXECUTIONS,
    ]);
    const folder = `resources-${kind}`;
    await client.call("write_file", {
      path: `${folder}/data.csv`,
      content: "a,b\n1,ü\n",
    });
    const cells = [
      { cell_type: "markdown", source: "# Title" },
      { cell_type: "code", source: "print('out')\n1 + 1" },
    ];
    await client.call("create_notebook", { path: `${folder}/one.ipynb`, cells });

    expect(await completed(client, FILES, ["path", folder])).toEqual([`${folder}/`]);
    expect(await completed(client, FILES, ["path", `${folder}/`])).toEqual([
      `${folder}/data.csv`,
      `${folder}/one.ipynb`,
    ]);
    expect(await completed(client, NOTEBOOKS, ["path", `${folder}/`])).toEqual([
      `${folder}/one.ipynb`,
    ]);

    const file = `jupyter://files/${folder}/data.csv`;
    expect(await client.read(file)).toEqual([
      { uri: file, mimeType: "text/csv", text: "a,b\n1,ü\n" },
    ]);

    const ran = await client.call("run_cells", {
      path: `${folder}/one.ipynb`,
      cells: "all",
    });
    const notebook = `jupyter://notebooks/${folder}/one.ipynb`;
    const [part] = await client.read(notebook);
    expect(part).toMatchObject({ uri: notebook, mimeType: "text/plain" });
    expect(part?.text).toMatch(
      /version \w+\n2 cells: 1 code \(1 run\), 1 markdown.*\nkernel: python3, running as .*\n1 \w+ markdown # Title\n2 \w+ code \[1\] print\('out'\) \(2 lines\)\n\n── 1 \w+ markdown\n# Title\n── 2 \w+ code \[1\]\nprint\('out'\)\n1 \+ 1\n── output\nout\n2$/,
    );
    const { version } = notebookOf(ran);
    expect(part?.text).toContain(`version ${version}`);

    const { conversation, execution } = ran.execution;
    expect(await completed(client, EXECUTIONS, ["conversation", "c_"])).toContain(
      conversation,
    );
    expect(
      await completed(client, EXECUTIONS, ["execution", ""], { conversation }),
    ).toEqual(["e1"]);
    const output = `jupyter://conversations/${conversation}/executions/${execution}`;
    const [shown] = await client.read(output);
    expect(shown).toMatchObject({ uri: output, mimeType: "text/plain" });
    expect(shown?.text).toMatch(/^e1 · ok · .*\n[\s\S]*\nout\n2$/);
  },
);

test("a version that a resource shows is one that an edit can be made for", async () => {
  await using client = await connect();
  const path = "resource-edit.ipynb";
  const source = "x = 1";
  await client.call("create_notebook", { path, cells: [{ cell_type: "code", source }] });
  const [part] = await client.read(`jupyter://notebooks/${path}`);
  const [, version] = /version (\w+)/.exec(part?.text ?? "") ?? [];
  const [, cell] = /^1 (\w+) code/m.exec(part?.text ?? "") ?? [];
  const edits = [{ op: "replace", cell, source: "x = 2" }];
  const edited = await client.call("edit_notebook", { path, version, edits });
  expect(edited.isError, edited.text).toBe(false);
});

test.for(KINDS)(
  "client %s is told in words, and with the right error, what cannot be read",
  async (kind) => {
    await using client = await connect(kind);
    await client.call("write_file", { path: "refused/a.txt", content: "a" });
    const missing = "jupyter://files/refused/none.txt";
    expect(await refusal(client, missing)).toMatchObject({
      code: -32_602,
      data: { uri: missing },
      message: expect.stringMatching(
        /There is nothing at "refused\/none\.txt"\.\nNext: Call list_files/,
      ),
    });
    const run = await client.call("run_code", { code: "1" });
    const { conversation } = run.execution;
    for (const [uri, says] of [
      ["jupyter://conversations/c_aaaaaaaaaa/executions/e1", /no conversation c_aaaaa/],
      ["jupyter://conversations/..%2f..%2fx/executions/e1", /no conversation \.\./],
      [`jupyter://conversations/${conversation}/executions/e7`, /no execution e7 here/],
      [`jupyter://conversations/${conversation}/executions/%27`, /no execution ' here/],
      ["jupyter://elsewhere/a", /not found/],
      ["jupyter://files/", /not found/],
    ] as const) {
      const refused = await refusal(client, uri);
      expect(refused).toMatchObject({ code: -32_602, data: { uri } });
      expect(refused.message).toMatch(says);
    }
    for (const [uri, says] of [
      ["jupyter://files/refused", /"refused" is a folder/],
      ["jupyter://files/..%2f..%2fetc%2fpasswd", /it has a part "\.\."/],
      ["jupyter://files/refused/..%2f..%2fx", /it has a part "\.\."/],
      ["jupyter://files/%2fetc/passwd", /it is absolute/],
      ["jupyter://files/a%0ab", /control character/],
      ["jupyter://files/a%5cb", /backslash/],
      ["jupyter://files/a%zz", /percent-encoding is broken/],
      ["jupyter://files/refused/%252e%252e", null],
      ["jupyter://notebooks/refused/a.txt", /is not a notebook/],
    ] as const) {
      const refused = await refusal(client, uri);
      expect(refused.code).toBe(-32_602);
      if (says === null) {
        // What is encoded twice is a name with a percent sign, and no way upwards.
        expect(refused.message).toContain('nothing at "refused/%2e%2e"');
      } else {
        expect(refused).toMatchObject({ data: undefined });
        expect(refused.message).toMatch(says);
      }
    }
    // Dots that are not encoded end at the root, as in every URL.
    const above = await refusal(client, "jupyter://files/../../refused/none.txt");
    expect(above.message).toContain('nothing at "refused/none.txt"');
  },
);

test("a Jupyter that cannot be reached is told of in words of ours, and completes nothing", async () => {
  await using client = await connect();
  await whileJupyterIs("down", async () => {
    const refused = await refusal(client, "jupyter://files/a.txt");
    expect(refused.code).toBe(-32_603);
    expect(refused.message).toMatch(/cannot be reached[\s\S]*Next: Ask the user/);
    await expect(completed(client, FILES, ["path", ""])).rejects.toThrow(
      /cannot be reached/,
    );
  });
});

test("a file comes as what it is: text in any encoding, an image, bytes", async () => {
  await using client = await connect();
  const write = (path: string, base64: string) =>
    client.call("write_file", { path, content: base64, encoding: "base64" });
  await write("kinds of files/pixel.png", PIXEL);
  // By its name it would be text.
  await write("kinds of files/photo.txt", PIXEL);
  const bytes = btoa(String.fromCharCode(...Array.from({ length: 256 }, (_, i) => i)));
  await write("kinds of files/data.bin", bytes);
  await write("kinds of files/latin.txt", btoa("Gr\xfc\xdfe\n"));
  await write("kinds of files/wide.txt", btoa("\xff\xfeH\0i\0"));
  await client.call("write_file", { path: "kinds of files/a.ts", content: "let a = 1;" });
  await client.call("write_file", { path: "kinds of files/empty", content: "" });
  await client.call("write_file", {
    path: "kinds of files/100% #ü?&+.txt",
    content: "odd",
  });
  await client.call("create_notebook", { path: "kinds of files/n.ipynb" });
  for (const [name, expected] of [
    ["pixel.png", { mimeType: "image/png", blob: PIXEL }],
    ["photo.txt", { mimeType: "image/png", blob: PIXEL }],
    ["data.bin", { mimeType: "application/octet-stream", blob: bytes }],
    ["latin.txt", { mimeType: "text/plain", text: "Grüße\n" }],
    ["wide.txt", { mimeType: "text/plain", text: "Hi" }],
    ["a.ts", { mimeType: expect.stringMatching(/^text\//), text: "let a = 1;" }],
    ["empty", { mimeType: "text/plain", text: "" }],
    ["100%25%20%23%C3%BC%3F%26%2B.txt", { mimeType: "text/plain", text: "odd" }],
    // As a client's own expansion of the template leaves them.
    ["100%25%20#%C3%BC?&+.txt", { mimeType: "text/plain", text: "odd" }],
    [
      "n.ipynb",
      {
        mimeType: "application/x-ipynb+json",
        text: expect.stringContaining('"nbformat": 4'),
      },
    ],
  ] as const) {
    const [part] = await client.read(`jupyter://files/kinds%20of%20files/${name}`);
    expect(part, name).toMatchObject(expected);
  }
  for (const [typed, found] of [
    ["kinds of files/1", "kinds of files/100% #ü?&+.txt"],
    ["kinds of files/LAT", "kinds of files/latin.txt"],
  ] as const)
    expect(await completed(client, FILES, ["path", typed])).toEqual([found]);
});

test("a huge file is refused, a huge notebook is outlined, and a long output is cut where it says", async () => {
  await using client = await connect();
  const run = await client.call("run_code", {
    code: `
import json
open("huge-resource.bin", "wb").truncate(3_000_000_000)
cell = lambda n: {"cell_type": "code", "id": f"cell-{n}", "metadata": {}, "execution_count": None,
  "outputs": [{"output_type": "stream", "name": "stdout", "text": "y" * 11_000_000}], "source": f"print({n})"}
json.dump({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell(1), cell(2)]}, open("huge-resource.ipynb", "w"))
print("first line")
for i in range(200): print("x" * 9_999)
print("last line")`,
    wait_seconds: 50,
  });
  expect(run.isError, run.text).toBe(false);
  const refused = await refusal(client, "jupyter://files/huge-resource.bin");
  expect(refused.message).toMatch(
    /"huge-resource\.bin" has 3000\.0 MB; the limit here is 3\.8 MB\.\nNext: Call run_code/,
  );
  const [outline] = await client.read("jupyter://notebooks/huge-resource.ipynb");
  expect(outline?.text).toMatch(
    /2 cells: .*22\.0 MB[\s\S]*\n1 cell-1 code[\s\S]*\nNext: 2 cells are not shown; read_notebook cells: "1-2" reads on\.$/,
  );
  const { conversation } = run.execution;
  const [output] = await client.read(
    `jupyter://conversations/${conversation}/executions/e1`,
  );
  expect(output?.text?.length).toBeGreaterThan(950_000);
  expect(output?.text?.length).toBeLessThan(1_001_000);
  expect(output?.text).toMatch(
    /^e1 · ok[^\n]*\nfirst line\n[\s\S]*\[… \d+ characters, \d+ lines left out: get_output execution: "e1", after: \d+ shows them …\][\s\S]*\nlast line$/,
  );
});

test("a notebook of many cells shows those that have room, and says which have not", async () => {
  await using client = await connect();
  const cells = Array.from({ length: 400 }, (_, index) => ({
    cell_type: "code",
    source: `# ${index + 1} ${"z".repeat(500)}`,
  }));
  await client.call("create_notebook", { path: "many-resource.ipynb", cells });
  const [part] = await client.read("jupyter://notebooks/many-resource.ipynb");
  const { length } = part?.text ?? "";
  expect(length).toBeGreaterThan(90_000);
  expect(length).toBeLessThan(101_000);
  const [, from] =
    /read_notebook cells: "(\d+)-400" reads on\.$/.exec(part?.text ?? "") ?? [];
  expect(part?.text).toContain(`\n── ${Number(from) - 1} `);
  expect(part?.text).not.toContain(`\n── ${from} `);
});

test("an output's images come with it, and a run that goes on says so", async () => {
  await using client = await connect();
  const code = `
import time, base64
from IPython.display import display, Image
display(Image(base64.b64decode("${PIXEL}")))
input("go on?")`;
  const run = await client.call("run_code", { code });
  const { conversation } = run.execution;
  // The image and the question come on channels of their own.
  const parts = await eventually(
    () => client.read(`jupyter://conversations/${conversation}/executions/e1`),
    ({ length }) => length > 1,
  );
  expect(parts[0]?.text).toMatch(
    /^e1 · waiting for input[\s\S]*\[image 1: image\/png 1×1/,
  );
  expect(parts.slice(1)).toMatchObject([{ mimeType: "image/png", blob: PIXEL }]);
  await client.call("interrupt_kernel", { conversation });
});

test("what is not there completes to nothing, and of much only the first hundred are given", async () => {
  await using client = await connect();
  await client.call("run_code", {
    code: "import os\nos.makedirs('crowd', exist_ok=True)\nfor i in range(150): open(f'crowd/{i:03}.txt', 'w').close()",
  });
  const ref = { type: "ref/resource", uri: FILES } as const;
  const crowd = await client.complete(ref, { name: "path", value: "crowd/" });
  expect(crowd).toMatchObject({ total: 150, hasMore: true });
  expect(crowd.values).toHaveLength(100);
  expect(crowd.values[0]).toBe("crowd/000.txt");
  for (const typed of ["nowhere/", "../", "crowd/000.txt/", "/etc/", "crowd//", "a\nb/"])
    expect(await completed(client, FILES, ["path", typed]), typed).toEqual([]);
  expect(await completed(client, EXECUTIONS, ["execution", ""])).toEqual([]);
  for (const conversation of ["c_aaaaaaaaaa", "no handle"])
    expect(
      await completed(client, EXECUTIONS, ["execution", ""], { conversation }),
    ).toEqual([]);
});

test("a notebook in an older format is read as one, and one that is broken is told of", async () => {
  await using client = await connect();
  const old = {
    nbformat: 3,
    nbformat_minor: 0,
    metadata: { name: "" },
    worksheets: [
      { cells: [{ cell_type: "code", input: "old()", outputs: [], language: "python" }] },
    ],
  };
  await putText("old-resource.ipynb", JSON.stringify(old));
  const [part] = await client.read("jupyter://notebooks/old-resource.ipynb");
  expect(part?.text).toMatch(/nbformat 3[\s\S]*old\(\)$/);
  await putText("broken-resource.ipynb", "{");
  const refused = await refusal(client, "jupyter://notebooks/broken-resource.ipynb");
  expect(refused.message).toMatch(/violates the notebook format[\s\S]*Next: Call/);
});
