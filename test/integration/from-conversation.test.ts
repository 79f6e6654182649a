import { expect, test } from "vitest";
import { fileText, notebookOf, validated } from "./notebook-support.ts";
import { connect } from "./support.ts";

const PIXEL =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

test("the runs of a conversation become cells with their outputs and counts, as JupyterLab would save them", async () => {
  await using client = await connect();
  const first = await client.call("run_code", {
    code: "import sys\nprint('one')\nprint('oops', file=sys.stderr)\n6 * 7",
  });
  const { conversation } = first.execution;
  const run = (code: string) => client.call("run_code", { conversation, code });
  await run("print('before')\n1 / 0");
  await run(
    `from IPython.display import display, Image\nimport base64\nhandle = display(Image(base64.b64decode("${PIXEL}")), display_id=True)`,
  );
  await run(
    "for i in range(3):\n    print(i, end='\\r')\nprint('\\udcff', '\\x1b[31mred\\x1b[0m')",
  );
  const path = "made/conversation.ipynb";
  const made = await client.call("create_notebook", {
    path,
    from_conversation: conversation,
  });
  expect(made.isError, made.text).toBe(false);
  expect(made.text).toMatch(
    new RegExp(
      `^Created ${path} · version \\w+ · kernel python3\\nFrom ${conversation}: 4 runs\\n1 `,
    ),
  );
  expect(notebookOf(made).cells.map((cell) => cell.execution_count)).toEqual([
    1, 2, 3, 4,
  ]);
  expect(await validated(client, path)).toBe("valid");
  const notebook = JSON.parse(await fileText(path));
  expect(notebook.metadata.kernelspec).toMatchObject({
    name: "python3",
    language: "python",
  });
  const [one, failed, image, stream] = notebook.cells;
  expect(one).toMatchObject({
    cell_type: "code",
    execution_count: 1,
    source: [
      "import sys\n",
      "print('one')\n",
      "print('oops', file=sys.stderr)\n",
      "6 * 7",
    ],
    outputs: [
      { output_type: "stream", name: "stdout", text: ["one\n"] },
      { output_type: "stream", name: "stderr", text: ["oops\n"] },
      {
        output_type: "execute_result",
        execution_count: 1,
        data: { "text/plain": ["42"] },
      },
    ],
  });
  expect(failed.outputs).toMatchObject([
    { output_type: "error", ename: "ZeroDivisionError", evalue: "division by zero" },
  ]);
  expect(failed.outputs[0].traceback.join("\n")).toContain("ZeroDivisionError");
  expect(image.outputs).toMatchObject([
    {
      output_type: "display_data",
      data: { "image/png": expect.stringContaining("iVBOR") },
    },
  ]);
  expect(stream.outputs[0].text.join("")).toContain("red");
  // It runs from top to bottom, up to the cell that failed.
  const again = await client.call("run_cells", { path, cells: "all" });
  expect(again.text).toMatch(/failed: cell 2 /);
});

test("runs that never ended well are left out and said, and cells of other notebooks are not taken", async () => {
  await using client = await connect();
  const first = await client.call("run_code", { code: "kept = 1" });
  const { conversation, kernel } = first.execution;
  const cells = [{ cell_type: "code", source: "'of a notebook'" }];
  await client.call("create_notebook", { path: "made/other.ipynb", cells });
  await client.call("run_cells", {
    path: "made/other.ipynb",
    cells: "all",
    conversation,
  });
  const code = "import time\ntime.sleep(60)";
  await client.call("run_code", { conversation, kernel, code, wait_seconds: 0 });
  await client.call("run_code", {
    conversation,
    kernel,
    code: "'behind'",
    wait_seconds: 0,
  });
  const running = await client.call("create_notebook", {
    path: "made/running.ipynb",
    from_conversation: conversation,
  });
  expect(running.text).toMatch(/: 1 run\nLeft out, because unfinished: e3, e4\.\n1 /);
  await client.call("restart_kernel", { conversation, kernel });
  await client.call("run_code", { conversation, kernel, code: "'after'" });
  const made = await client.call("create_notebook", {
    path: "made/lost.ipynb",
    from_conversation: conversation,
  });
  expect(made.text).toMatch(/: 2 runs\n(Left out, because .*: e\d.*\n){1,2}1 /);
  expect(made.text).toMatch(/lost: e3/);
  const { cells: saved } = JSON.parse(await fileText("made/lost.ipynb"));
  expect(saved.map(({ source }: { source: string[] }) => source.join(""))).toEqual([
    "kept = 1",
    "'after'",
  ]);
  expect(await validated(client, "made/lost.ipynb")).toBe("valid");
});

test("a conversation whose outputs are large becomes a notebook that can be edited, and says what is missing", async () => {
  await using client = await connect();
  const code = "for i in range(200_000): print(i, 'x' * 20)";
  const first = await client.call("run_code", { code, wait_seconds: 50 });
  const { conversation } = first.execution;
  for (let count = 0; count < 3; count += 1)
    await client.call("run_code", {
      conversation,
      wait_seconds: 50,
      code: `from IPython.display import HTML\nHTML('<p>' + '${count}' * 2_500_000)`,
    });
  const path = "made/large.ipynb";
  const made = await client.call("create_notebook", {
    path,
    from_conversation: conversation,
  });
  expect(made.isError, made.text).toBe(false);
  const text = await fileText(path);
  expect(text.length).toBeLessThan(20_000_000);
  expect(text).toContain("characters were not kept here");
  expect(text).toContain("output was not kept in the notebook");
  const edits = [{ op: "clear_outputs" }];
  const { version } = notebookOf(made);
  const edited = await client.call("edit_notebook", { path, version, edits });
  expect(edited.isError, edited.text).toBe(false);
});

test("cells and a conversation at once, and a conversation that is not there, are refused", async () => {
  await using client = await connect();
  const { conversation } = (await client.call("run_code", { code: "1" })).execution;
  const path = "made/refused.ipynb";
  const both = await client.call("create_notebook", {
    path,
    cells: [],
    from_conversation: conversation,
  });
  expect(both.isError).toBe(true);
  expect(both.text).toContain("give either cells or from_conversation");
  for (const from_conversation of ["c_aaaaaaaaaa", "../x"]) {
    const unknown = await client.call("create_notebook", { path, from_conversation });
    expect(unknown.isError).toBe(true);
    expect(unknown.text).toMatch(/There is no conversation/);
  }
  const kernel = await client.call("create_notebook", {
    path,
    from_conversation: conversation,
    kernel: "cobol",
  });
  expect(kernel.text).toMatch(/No installed kernel is called or speaks "cobol"/);
  const read = await client.call("read_notebook", { path });
  expect(read.text).toMatch(/There is nothing at/);
});
