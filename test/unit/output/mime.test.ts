import { expect, test } from "vitest";
import { representationOf } from "../../../src/output/mime.ts";

const PNG = "iVBORw0KGgo=";

test("a raster image is shown before any text", () => {
  expect(
    representationOf({
      "text/plain": "<Figure size 640x480 with 1 Axes>",
      "text/html": "<img>",
      "image/png": "iVBOR\nw0KGgo=\n",
    }),
  ).toEqual({ kind: "image", mime: "image/png", base64: PNG, others: [] });
});

test("a plain text that says something is the image's alternative", () => {
  expect(representationOf({ "image/png": PNG, "text/plain": "x**2 + 1" })).toEqual({
    kind: "image",
    mime: "image/png",
    base64: PNG,
    alt: "x**2 + 1",
    others: [],
  });
});

test("an image that is not base64 is text that says so", () => {
  expect(representationOf({ "image/png": "<bytes>", "text/plain": "plot" })).toEqual({
    kind: "text",
    text: "plot\n[image/png: its value is not base64]",
    others: [],
  });
  expect(representationOf({ "image/png": 5, "image/jpeg": PNG })).toMatchObject({
    kind: "image",
    mime: "image/jpeg",
  });
});

test.for([
  ["Markdown before plain text", { "text/plain": "p", "text/markdown": "# m" }, "# m"],
  ["plain text before HTML", { "text/html": "<b>h</b>", "text/plain": "p" }, "p"],
  ["plain text before LaTeX", { "text/latex": "$x$", "text/plain": "x" }, "x"],
  [
    "HTML before a bare repr",
    { "text/plain": "<IPython.core.display.HTML object>", "text/html": "<b>h</b>" },
    "h",
  ],
  [
    "JSON in its compact form",
    {
      "text/plain": "<IPython.core.display.JSON object>",
      "application/json": { a: [1, 2] },
    },
    '{"a":[1,2]}',
  ],
  ["JSON that is a list of strings", { "application/json": ["a", "b"] }, '["a","b"]'],
  [
    "LaTeX as it is",
    { "text/plain": "<IPython.core.display.Latex object>", "text/latex": "$x^2$" },
    "$x^2$",
  ],
  ["lines of nbformat joined", { "text/plain": ["a\n", "b"] }, "a\nb"],
  [
    "a bare repr when there is nothing else",
    { "text/plain": "<Foo object at 0x7f>" },
    "<Foo object at 0x7f>",
  ],
  ["colours of a terminal removed", { "text/plain": "\x1b[31mred\x1b[0m" }, "red"],
  ["nothing for an empty bundle", {}, ""],
  ["nothing for a value that is null", { "text/plain": null }, ""],
] as const)("shown: %s", ([, data, text]) => {
  expect(representationOf(data)).toEqual({ kind: "text", text, others: [] });
});

test.for([
  "<pandas.io.formats.style.Styler at 0x7f3a>",
  "<__main__.Foo object at 0x10ABCDEF>",
  "<Figure size 1200x450.5 with 2 Axes>\n",
  "<IPython.core.display.Markdown object>",
])("%s counts as absent when there is HTML", (plain) => {
  expect(
    representationOf({ "text/plain": plain, "text/html": "<p>rich</p>" }),
  ).toMatchObject({
    text: "rich",
  });
});

test.for(["<class 'int'>", "<AxesSubplot: xlabel='x'>", "a <Foo object at 0x1>"])(
  "%s says something",
  (plain) => {
    expect(
      representationOf({ "text/plain": plain, "text/html": "<p>rich</p>" }),
    ).toMatchObject({
      text: plain,
    });
  },
);

test("SVG and plots are listed beside their plain text", () => {
  expect(
    representationOf({
      "application/vnd.plotly.v1+json": { data: [], layout: {} },
      "image/svg+xml": ["<svg>", "</svg>"],
      "application/javascript": "draw()",
      "text/html": "<div></div>",
      "text/plain": "Figure({...})",
    }),
  ).toEqual({
    kind: "text",
    text: "Figure({...})",
    others: [
      { mime: "application/vnd.plotly.v1+json", chars: 23 },
      { mime: "image/svg+xml", chars: 11 },
    ],
  });
});

test("HTML with nothing to read is listed when nothing stands in for it", () => {
  const html = "<div id=x></div><script>plot()</script>";
  const plain = "<bokeh.Plot object at 0x1>";
  expect(representationOf({ "text/html": html, "text/plain": plain })).toEqual({
    kind: "text",
    text: plain,
    others: [{ mime: "text/html", chars: html.length }],
  });
});

test("a widget is its plain text and one entry", () => {
  expect(
    representationOf({
      "text/plain": "IntSlider(value=3)",
      "application/vnd.jupyter.widget-view+json": { model_id: "a" },
      "application/vnd.jupyter.widget-state+json": {},
    }),
  ).toEqual({
    kind: "text",
    text: "IntSlider(value=3)",
    others: [{ mime: "application/vnd.jupyter.widget-view+json", chars: 16 }],
  });
});
