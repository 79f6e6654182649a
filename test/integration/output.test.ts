import { expect, test } from "vitest";
import { connect } from "./support.ts";

test("20,000 lines stay inside the budget with head and tail, and find returns a line from the middle", async () => {
  await using client = await connect();
  const result = await client.call("run_code", {
    code: "for i in range(20000): print(f'line {i}')",
    wait_seconds: 50,
  });
  expect(result.text.length).toBeLessThanOrEqual(10_500);
  expect(result.text).toContain("line 0\nline 1\n");
  expect(result.text).toContain("line 19998\nline 19999");
  expect(result.text).toMatch(
    /left out: get_output execution: "e1", after: \d+ shows them/,
  );
  expect(result.execution.truncated).toBe(true);
  const { conversation, execution } = result.execution;
  const found = await client.call("get_output", {
    conversation,
    execution,
    find: "^line 1234[56]$",
  });
  expect(found.text).toContain("12346: line 12345\n12347: line 12346");
  const none = await client.call("get_output", {
    conversation,
    execution,
    find: "line 20000",
  });
  expect(none.text).toContain("No line matches (20000 searched).");
});

test("the part that was left out is read page by page without losing or doubling a line", async () => {
  await using client = await connect();
  const result = await client.call("run_code", {
    code: "for i in range(5000): print(f'line {i}')",
  });
  const { conversation, execution } = result.execution;
  const lines: number[] = [];
  let after = 0;
  for (;;) {
    const page = await client.call("get_output", { conversation, execution, after });
    expect(page.text.length).toBeLessThanOrEqual(10_500);
    lines.push(
      ...Array.from(page.text.matchAll(/^line (\d+)$/gm), (match) => Number(match[1])),
    );
    after = page.execution.position;
    if (!page.text.includes(`after: ${after} reads on`)) break;
  }
  expect(lines).toEqual(Array.from({ length: 5000 }, (_, index) => index));
});

test("a figure is an image block, and a larger one is fetched by its number", async () => {
  await using client = await connect();
  const code = [
    "%matplotlib inline",
    "import matplotlib.pyplot as plt, numpy as np",
    "plt.plot([1, 2, 3])",
    "plt.show()",
    "fig, ax = plt.subplots(figsize=(12, 9))",
    "ax.imshow(np.random.default_rng(0).random((300, 300)))",
    "plt.show()",
    "print('drawn')",
  ].join("\n");
  const result = await client.call("run_code", { code, wait_seconds: 50 });
  expect(result.images).toHaveLength(1);
  expect(result.images[0]!.mimeType).toBe("image/png");
  expect(atob(result.images[0]!.data).slice(1, 4)).toBe("PNG");
  expect(result.text).toMatch(
    /\[image 1: image\/png \d+×\d+, \d+ KB\]\n\[image 2: .*; get_output image: 2 shows it\]\ndrawn/,
  );
  const { conversation, execution } = result.execution;
  const second = await client.call("get_output", { conversation, execution, image: 2 });
  expect(second.images).toHaveLength(1);
  expect(second.images[0]!.data.length).toBeGreaterThan(60_000);
}, 120_000);

test("a DataFrame reads as a table, and a styled one too", async () => {
  await using client = await connect();
  const code =
    "import pandas as pd\ndf = pd.DataFrame({'name': ['Ada', 'Alan'], 'born': [1815, 1912]})\ndf";
  const result = await client.call("run_code", { code, wait_seconds: 50 });
  expect(result.text).toMatch(/ +name +born\n0 +Ada +1815\n1 +Alan +1912/);
  const { conversation } = result.execution;
  const html = await client.call("run_code", {
    code: "from IPython.display import HTML, display\ndisplay(HTML(df.to_html()))",
    conversation,
  });
  expect(html.text).toMatch(/name.*born/);
  expect(html.text).toMatch(/Ada.*1815/);
  expect(html.text).not.toContain("<td>");
}, 120_000);

test("progress bars read as their last state", async () => {
  await using client = await connect();
  const code =
    "from tqdm import tqdm\nimport time\nfor _ in tqdm(range(50)): time.sleep(0.01)";
  const result = await client.call("run_code", { code });
  expect(result.text.match(/\d+%\|/g)).toEqual(["100%|"]);
  expect(result.text).toContain("50/50");
  const { conversation } = result.execution;
  const overwritten = await client.call("run_code", {
    code: "print('abc\\rx')",
    conversation,
  });
  expect(overwritten.text).toMatch(/\nxbc$/);
});

test("displays are updated in place, and clear_output removes what was shown", async () => {
  await using client = await connect();
  const updated = await client.call("run_code", {
    code: [
      "from IPython.display import display, clear_output",
      "h = display('first', display_id=True)",
      "print('between')",
      "h.update('second')",
    ].join("\n"),
  });
  expect(updated.text).toMatch(/'second'\nbetween$/);
  expect(updated.text).not.toContain("first");
  const { conversation } = updated.execution;
  const cleared = await client.call("run_code", {
    code: "print('old')\nclear_output(wait=True)\nprint('new')",
    conversation,
  });
  expect(cleared.text).toMatch(/\nnew$/);
  expect(cleared.text).not.toContain("old");
});

test("a help text that opens a pager is shown", async () => {
  await using client = await connect();
  const result = await client.call("run_code", { code: "len?" });
  expect(result.text).toContain("Return the number of items in a container");
});

test("a message of 10 MB is kept in rows below 1 MB and its ends are shown", async () => {
  await using client = await connect();
  const result = await client.call("run_code", {
    code: "print('start' + 'y' * 10_000_000 + 'end')",
    wait_seconds: 50,
  });
  expect(result.execution.state).toBe("ok");
  expect(result.text).toContain("startyyy");
  expect(result.text).toMatch(/yyyend$/);
  expect(result.text.length).toBeLessThanOrEqual(10_500);
});

test("image numbers in the text are those that image takes, also behind output that was not kept", async () => {
  await using client = await connect();
  const code = [
    "import base64, os",
    "for i in range(60):",
    "    raw = b'\\x89PNG\\r\\n\\x1a\\n' + bytes([i]) + os.urandom(374990)",
    "    display({'image/png': base64.b64encode(raw).decode()}, raw=True)",
  ].join("\n");
  const result = await client.call("run_code", { code, wait_seconds: 50 });
  expect(result.text).toContain("[… output in between was not kept …]");
  const last = Number(result.text.match(/\[image (\d+):(?![\s\S]*\[image)/)?.[1]);
  expect(last).toBe(60);
  const { conversation, execution } = result.execution;
  const image = await client.call("get_output", { conversation, execution, image: last });
  expect(atob(image.images[0]!.data.slice(0, 12)).charCodeAt(8)).toBe(59);
}, 120_000);

test("a single huge value says how to see more of it", async () => {
  await using client = await connect();
  const result = await client.call("run_code", { code: "'ab ' * 20_000" });
  expect(result.text).toMatch(
    /left out: get_output execution: "e1", after: 0 shows them/,
  );
  const { conversation, execution } = result.execution;
  const page = await client.call("get_output", { conversation, execution, after: 0 });
  expect(page.text).toContain("find searches them, a larger max_output_chars shows more");
});
