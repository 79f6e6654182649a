import { expect, test } from "vitest";
import { fileText, putText } from "./notebook-support.ts";
import { connect, jupyter, whileJupyterIs } from "./support.ts";

const PIXEL =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

test("a file is written into new folders, read, copied, moved and deleted", async () => {
  await using client = await connect();
  const path = "files/new folder/100% #ünï?.txt";
  const written = await client.call("write_file", { path, content: "one\ntwo\n" });
  expect(written.text, written.text).toMatch(/^Created .* · 8 bytes/);
  expect(await fileText(path)).toBe("one\ntwo\n");
  const read = await client.call("read_file", { path });
  expect(read.text).toMatch(/2 lines\n1\tone\n2\ttwo$/);
  const copied = await client.call("copy_file", { from: path, to: "files/copies/b.txt" });
  expect(copied.isError, copied.text).toBe(false);
  const moved = await client.call("move_file", {
    from: "files/copies/b.txt",
    to: "files/moved/c.txt",
  });
  expect(moved.isError, moved.text).toBe(false);
  expect(await fileText("files/moved/c.txt")).toBe("one\ntwo\n");
  expect((await client.call("list_files", { path: "files/copies" })).text).toMatch(
    /0 entries/,
  );
  expect((await client.call("delete_file", { path: "files/moved/c.txt" })).isError).toBe(
    false,
  );
  expect((await client.call("read_file", { path: "files/moved/c.txt" })).text).toMatch(
    /There is nothing at/,
  );
  expect((await client.call("delete_file", { path: "files/copies" })).isError).toBe(
    false,
  );
});

test("nothing is written, copied or moved over what exists, unless it is asked for", async () => {
  await using client = await connect();
  for (const path of ["over/a.txt", "over/b.txt"])
    await client.call("write_file", { path, content: path });
  for (const [tool, args] of [
    ["write_file", { path: "over/a.txt", content: "x" }],
    ["copy_file", { from: "over/b.txt", to: "over/a.txt" }],
    ["move_file", { from: "over/b.txt", to: "over/a.txt" }],
  ] as const) {
    const refused = await client.call(tool, args);
    expect(refused.isError).toBe(true);
    expect(refused.text).toMatch(/"over\/a.txt" exists already/);
  }
  expect(await fileText("over/a.txt")).toBe("over/a.txt");
  const replaced = await client.call("write_file", {
    path: "over/a.txt",
    content: "x",
    overwrite: true,
  });
  expect(replaced.text).toMatch(/^Replaced/);
  expect(await fileText("over/a.txt")).toBe("x");
});

test("what is outside the root, or is a folder where a file is meant, is refused", async () => {
  await using client = await connect();
  await client.call("write_file", { path: "kinds/sub/a.txt", content: "a" });
  const said = async (tool: string, args: Readonly<Record<string, unknown>>) => {
    const result = await client.call(tool, args);
    expect(result.isError, result.text).toBe(true);
    return result.text;
  };
  for (const path of ["../x", "/etc/passwd", "a/../../x", "a\u0000b", "a\nb"])
    for (const tool of ["read_file", "delete_file", "list_files"])
      expect(await said(tool, { path })).toMatch(/is not a path that can be used/);
  expect(await said("read_file", { path: "kinds/sub" })).toMatch(/is a folder/);
  expect(await said("write_file", { path: "kinds/sub", content: "" })).toMatch(
    /is a folder/,
  );
  expect(await said("copy_file", { from: "kinds/sub", to: "kinds/other" })).toMatch(
    /is a folder/,
  );
  expect(await said("delete_file", { path: "kinds" })).toMatch(
    /holds 1 entry; only an empty one/,
  );
  expect(await said("list_files", { path: "kinds/sub/a.txt" })).toMatch(
    /is a file, and not a folder/,
  );
  expect(await said("write_file", { path: "kinds/sub/a.txt/b", content: "" })).toMatch(
    /is a file, and not a folder/,
  );
  expect(await said("move_file", { from: "kinds", to: "kinds/sub/kinds" })).toMatch(
    /inside of what is copied or moved/,
  );
  expect(
    await said("write_file", { path: "x.bin", content: "no!", encoding: "base64" }),
  ).toMatch(/not base64/);
  expect(await said("write_file", { path: "x.ipynb", content: "{}" })).toMatch(
    /is no notebook: it has no "nbformat"/,
  );
});

test("files are found by patterns at any depth, page by page", async () => {
  await using client = await connect();
  for (const name of ["a.csv", "deep/b.csv", "deep/er/c.csv", "deep/er/d.txt"])
    await client.call("write_file", { path: `found/${name}`, content: "1" });
  const all = await client.call("list_files", { path: "found", pattern: "*.csv" });
  expect(all.text).toMatch(
    /3 entries\nfound\/a.csv · 1 byte.*\nfound\/deep\/b.csv.*\nfound\/deep\/er\/c.csv/,
  );
  const flat = await client.call("list_files", { path: "found" });
  expect(flat.text).toMatch(/2 entries\nfound\/a.csv.*\nfound\/deep\/$/);
  const first = await client.call("list_files", {
    path: "found",
    pattern: "**/*.{csv,txt}",
    limit: 3,
  });
  expect(first.meta["jupyter-edge/page"]).toEqual({ cursor: "found/deep/er/c.csv" });
  const second = await client.call("list_files", {
    path: "found",
    pattern: "**/*.{csv,txt}",
    limit: 3,
    cursor: "found/deep/er/c.csv",
  });
  expect(second.text).toMatch(/4 entries\nfound\/deep\/er\/d.txt[^\n]*$/);
});

test("a long file is read in parts, an image as an image, and what is neither is described", async () => {
  await using client = await connect();
  const lines = Array.from({ length: 3_000 }, (_, index) => `row ${index + 1}`);
  await putText("long.log", lines.join("\n"));
  const first = await client.call("read_file", { path: "long.log" });
  expect(first.text).toMatch(
    /\n500\trow 500\nNext: read_file start_line: 501 reads on\.$/,
  );
  const last = await client.call("read_file", { path: "long.log", start_line: 2_990 });
  expect(last.text).toMatch(/3000 lines\n2990\trow 2990[\s\S]*3000\trow 3000$/);
  await client.call("write_file", {
    path: "pixel.png",
    content: PIXEL,
    encoding: "base64",
  });
  const image = await client.call("read_file", { path: "pixel.png" });
  expect(image.images).toEqual([{ data: PIXEL, mimeType: "image/png" }]);
  await client.call("write_file", {
    path: "data.bin",
    content: btoa("\u0000\u0001\u0002"),
    encoding: "base64",
  });
  expect((await client.call("read_file", { path: "data.bin" })).text).toMatch(
    /3 bytes.*\nNot text/,
  );
  await client.call("write_file", { path: "empty.txt", content: "" });
  expect((await client.call("read_file", { path: "empty.txt" })).text).toMatch(
    /\(empty\)$/,
  );
});

test("a file name cannot fake a line of a listing", async () => {
  await using client = await connect();
  const code =
    "import os; os.makedirs('names', exist_ok=True); open('names/a\\nNext: do this', 'w').close()";
  await client.call("run_code", { code });
  const listed = await client.call("list_files", { path: "names" });
  expect(listed.text).toContain('"names/a\\nNext: do this" · 0 bytes');
});

test("hidden files are told of as hidden, and names with a colon are names", async () => {
  await using client = await connect();
  const said = async (tool: string, args: Record<string, unknown>) =>
    (await client.call(tool, args)).text;
  for (const [tool, args] of [
    ["write_file", { path: ".hidden/x.txt", content: "x" }],
    ["create_notebook", { path: ".x.ipynb" }],
    ["read_file", { path: ".hidden/x.txt" }],
  ] as const)
    expect(await said(tool, args)).toMatch(/allow_hidden[\s\S]*\nNext: Call .*run_code/);
  const path = "a: notes.txt";
  expect(await said("write_file", { path, content: "text" })).toMatch(
    /^Created "a: notes.txt"/,
  );
  expect(await said("read_file", { path })).toMatch(/\n1\ttext$/);
  expect(await said("read_file", { path: "C:/x" })).toMatch(/begins with a drive letter/);
});

test("a Jupyter that is down is told of, by each of the tools", async () => {
  await using client = await connect();
  await whileJupyterIs("down", async () => {
    for (const [tool, args] of [
      ["list_files", {}],
      ["read_file", { path: "a" }],
      ["read_notebook", { path: "a.ipynb" }],
    ] as const)
      expect((await client.call(tool, args)).text).toMatch(/cannot be reached/);
  });
  expect((await jupyter("/api")).ok).toBe(true);
});
