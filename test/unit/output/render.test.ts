import { expect, test } from "vitest";
import type { Item } from "../../../src/kernel/item.ts";
import {
  countNumbered,
  numberedRepresentations,
  Renderer,
  type RenderOptions,
} from "../../../src/output/render.ts";

const PNG =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

const stdout = (text: string): Item => ({ type: "stream", name: "stdout", text });
const stderr = (text: string): Item => ({ type: "stream", name: "stderr", text });
const clear = (wait: boolean): Item => ({ type: "clear_output", wait });
const boom: Item = {
  type: "error",
  ename: "ValueError",
  evalue: "boom",
  traceback: ["\x1b[31mTraceback\x1b[0m", "ValueError: boom"],
};

function display(
  data: Record<string, unknown> | string,
  display_id?: string,
  type: "display_data" | "execute_result" | "update_display_data" = "display_data",
): Item {
  const bundle = typeof data === "string" ? { "text/plain": data } : data;
  return {
    type,
    data: bundle,
    metadata: {},
    ...(display_id === undefined ? {} : { display_id }),
  };
}

const update = (data: Record<string, unknown> | string, id: string) =>
  display(data, id, "update_display_data");

function render(
  items: readonly Item[],
  options: Partial<RenderOptions> = {},
  numberedFirst = 0,
) {
  const renderer = new Renderer({
    maxChars: 10_000,
    describeOmitted: ({ lines, after }) => `[${lines} lines left out; after: ${after}]`,
    ...options,
  });
  let numberedBefore = numberedFirst;
  for (const [index, item] of items.entries()) {
    renderer.add({ position: index + 1, item, numberedBefore });
    numberedBefore += countNumbered(item);
  }
  return renderer.finish();
}

test("stdout and stderr go through one terminal, in order", () => {
  expect(render([stdout("a"), stderr("b\rc"), stdout("!\nd\n")]).text).toBe("c!\nd");
});

test("results and errors come after what was printed, on lines of their own", () => {
  const rendering = render([
    stdout("no newline"),
    display("42", undefined, "execute_result"),
    stdout("more"),
    boom,
    stdout("late\n"),
  ]);
  expect(rendering.text).toBe("no newline\n42\nmore\nTraceback\nValueError: boom\nlate");
});

test("a question and its answer stand in the terminal's flow", () => {
  const input = { type: "input", prompt: "Key? ", text: "s3cret" } as const;
  expect(
    render([
      stdout("login\n"),
      { ...input, password: true },
      { ...input, prompt: "Name? ", text: "Ada", password: false },
      stdout("hello\n"),
    ]).text,
  ).toBe("login\nKey? ········\nName? Ada\nhello");
});

test("an update changes the display in place", () => {
  expect(
    render([
      display("0%", "p"),
      stdout("working\n"),
      update("50%", "p"),
      update("100%", "p"),
    ]).text,
  ).toBe("100%\nworking");
});

test("a display under an id that is known changes the earlier one too", () => {
  expect(render([display("old", "p"), stdout("-\n"), display("new", "p")]).text).toBe(
    "new\n-\nnew",
  );
});

test("an update of a display that is not in this rendering is shown, and changes in place", () => {
  expect(
    render([stdout("a"), update("50%", "p"), stdout("b\n"), update("60%", "p")]).text,
  ).toBe("a\n60%\nb");
});

test("clear_output removes everything so far", () => {
  expect(
    render([stdout("a\nopen"), display({ "image/png": PNG }), clear(false), stdout("b")]),
  ).toMatchObject({ text: "b", images: [] });
});

test("clear_output that waits does so until the next output comes", () => {
  expect(render([stdout("a\n"), clear(true)]).text).toBe("a");
  expect(render([stdout("a\n"), clear(true), stdout("b\n"), stdout("c\n")]).text).toBe(
    "b\nc",
  );
  expect(render([stdout("a\n"), clear(true), display("d")]).text).toBe("d");
  expect(render([stdout("a\n"), clear(true), boom]).text).toBe(
    "Traceback\nValueError: boom",
  );
});

test("an update of a display that was cleared away shows nowhere", () => {
  expect(
    render([
      display("x", "p"),
      clear(false),
      update({ "image/png": PNG }, "p"),
      stdout("y"),
    ]),
  ).toMatchObject({ text: "y", images: [] });
});

test("an image is a line in the text, with its number, size and weight", () => {
  expect(render([stdout("plot:\n"), display({ "image/png": PNG })])).toMatchObject({
    text: "plot:\n[image 1: image/png 1×1, 72 bytes]",
    images: [{ number: 1, mime: "image/png", base64: PNG }],
  });
});

test("what a bundle has besides gets a number of its own", () => {
  const rendering = render(
    [
      display({ "image/png": PNG, "image/svg+xml": "<svg/>" }),
      display({ "image/png": PNG }),
    ],
    {},
    4,
  );
  expect(rendering.text).toBe(
    [
      "[image 5: image/png 1×1, 72 bytes]",
      "[also image/svg+xml, 6 bytes: get_output image: 6 shows it]",
      "[image 7: image/png 1×1, 72 bytes]",
    ].join("\n"),
  );
  expect(rendering.images.map(({ number }) => number)).toEqual([5, 7]);
});

test("images beyond the budget do not come along, and their line says how to see them", () => {
  const rendering = render(
    [display({ "image/png": PNG }), display({ "image/png": PNG })],
    {
      maxImageChars: 150,
    },
  );
  expect(rendering.images.map(({ number }) => number)).toEqual([1]);
  expect(rendering.text).toBe(
    "[image 1: image/png 1×1, 72 bytes]\n[image 2: image/png 1×1, 72 bytes; get_output image: 2 shows it]",
  );
});

test("an image that was updated makes room for the one that replaces it", () => {
  const rendering = render(
    [
      display({ "image/png": PNG }, "p"),
      update({ "image/png": PNG }, "p"),
      update("gone", "p"),
    ],
    { maxImageChars: 250 },
  );
  expect(rendering).toMatchObject({ text: "gone", images: [] });
  expect(
    render([display({ "image/png": PNG }, "p"), update({ "image/png": PNG }, "p")]),
  ).toMatchObject({
    text: "[image 2: image/png 1×1, 72 bytes]",
    images: [{ number: 2 }],
  });
});

test("the last of many updates of an image comes along", () => {
  for (const count of [1, 10, 11]) {
    const frames = Array.from({ length: count }, () => update({ "image/png": PNG }, "p"));
    const rendering = render([display({ "image/png": PNG }, "p"), ...frames], {
      maxImageChars: 120,
    });
    expect(rendering).toMatchObject({
      text: `[image ${count + 1}: image/png 1×1, 72 bytes]`,
      images: [{ number: count + 1 }],
    });
  }
});

test("numbers are the same wherever a rendering starts", () => {
  const items = [
    display({ "image/png": PNG, "image/svg+xml": "<svg/>" }),
    stdout("text\n"),
    display({ "text/plain": "plot", "application/vnd.vega.v5+json": { a: 1 } }),
    clear(false),
    display({ "image/png": PNG }),
  ];
  for (let start = 0; start < items.length; start++) {
    const imagesBefore = items
      .slice(0, start)
      .reduce((count, item) => count + countNumbered(item), 0);
    expect(render(items.slice(start), {}, imagesBefore).text).toBe(
      "[image 4: image/png 1×1, 72 bytes]",
    );
  }
});

test("the numbered representations of an item are the image, then what is listed", () => {
  expect(
    numberedRepresentations(
      display({
        "image/svg+xml": ["<svg>", "</svg>"],
        "image/png": `${PNG}\n`,
        "text/plain": "p",
      }),
    ),
  ).toEqual([
    { mime: "image/png", value: PNG },
    { mime: "image/svg+xml", value: "<svg></svg>" },
  ]);
  expect(numberedRepresentations(stdout("x"))).toEqual([]);
});

test("the middle is left out, and reading on starts where the first missing line began", () => {
  const items = Array.from({ length: 100 }, (_, index) =>
    stdout(`${index} began, \n`.slice(0, -1)),
  );
  const rendering = render(
    [...items, stdout("\n"), ...items.map(() => stdout("line\n"))],
    {
      maxChars: 300,
    },
  );
  expect(rendering.text.length).toBeLessThanOrEqual(300);
  expect(rendering.omitted?.after).toBe(0);

  const lines = Array.from({ length: 200 }, (_, index) => stdout(`${index + 1}\n`));
  const { text, omitted } = render(lines, { maxChars: 200 });
  const shownFirst = text.slice(0, text.indexOf("\n[")).split("\n").at(-1);
  expect(String(omitted?.after)).toBe(shownFirst);
});

test("a display without anything to show takes no line", () => {
  expect(render([stdout("a"), display({}), stdout("b")]).text).toBe("ab");
});

test("output that was not kept is a line where it is missing", () => {
  const renderer = new Renderer({ maxChars: 10_000, describeOmitted: () => "" });
  renderer.add({ position: 3, item: stdout("before\n") });
  renderer.add({ position: 9, item: stdout("after\n") });
  expect(renderer.finish().text).toBe(
    "before\n[… output in between was not kept …]\nafter",
  );
});
