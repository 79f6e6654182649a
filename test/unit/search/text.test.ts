import { expect, test } from "vitest";
import { MAX_NOTEBOOK_CHARS, MAX_TEXT_CHARS, textsOf } from "../../../src/search/text.ts";

function bytesOf(notebook: object): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ nbformat: 4, ...notebook }));
}

test("of a notebook full of text only as much is kept as may be in memory", () => {
  const cell = {
    cell_type: "markdown",
    metadata: {},
    source: "x".repeat(MAX_TEXT_CHARS),
  };
  const cells = [
    { ...cell, source: `${cell.source} cut off` },
    ...Array.from({ length: MAX_NOTEBOOK_CHARS / MAX_TEXT_CHARS }, () => cell),
  ];
  const { texts } = textsOf(bytesOf({ cells }));
  const chars = texts.reduce((sum, { text }) => sum + text.length, 0);
  expect(chars).toBe(MAX_NOTEBOOK_CHARS);
  expect(texts[0]?.text).toHaveLength(MAX_TEXT_CHARS);
});

test("of cells that are there twice the last are taken, as Python does", () => {
  const one = `{"cell_type": "raw", "metadata": {}, "source": "first"}`;
  const two = `{"cell_type": "raw", "metadata": {}, "source": "second"}`;
  const json = `{"nbformat": 4, "cells": [${one}, ${one}], "cells": [${two}]}`;
  const { texts } = textsOf(new TextEncoder().encode(json));
  expect(texts).toMatchObject([{ position: 0, kind: "markdown", text: "second" }]);
});
