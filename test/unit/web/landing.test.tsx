import { expect, test } from "vitest";
import { type Landing, landingPage } from "../../../src/web/landing.tsx";

const deployed: Landing = {
  origin: "https://jupyter.example.com",
  local: false,
  jupyter: null,
  missing: [],
};
const local: Landing = {
  origin: "http://localhost:8787",
  local: true,
  jupyter: { answers: true, version: "2.17.0", url: "http://localhost:8888" },
  missing: [],
};

async function rendered(landing: Landing) {
  return String(await landingPage(landing));
}

/** What a reader sees and copies: without tags, entities resolved. */
async function textOf(landing: Landing) {
  const markup = (await rendered(landing)).replace(/<style[\s\S]*?<\/style>/, "");
  return markup
    .replaceAll(/<[^>]+>/g, "")
    .replaceAll("&quot;", '"')
    .replaceAll("&#39;", "'")
    .replaceAll("&amp;", "&");
}

test("the page gives the MCP URL and the ways to connect each common client", async () => {
  const text = await textOf(deployed);
  const url = "https://jupyter.example.com/mcp";
  expect(text).toContain(`claude mcp add --transport http jupyter ${url}`);
  expect(text).toContain(
    `code --add-mcp '{"name": "jupyter", "type": "http", "url": "${url}"}'`,
  );
  expect(text).toContain(
    `npx @modelcontextprotocol/inspector --transport http --server-url ${url}`,
  );
  for (const client of ["Add custom connector", "ChatGPT", ".cursor/mcp.json"]) {
    expect(text).toContain(client);
  }
});

test("every block of JSON on the page can be parsed and holds the URL", async () => {
  for (const landing of [deployed, local]) {
    const blocks = [
      ...(await rendered(landing)).matchAll(/<pre><code>(\{[\s\S]*?)<\/code>/g),
    ];
    expect(blocks.length).toBeGreaterThanOrEqual(3);
    for (const [, block = ""] of blocks) {
      const source = block.replaceAll(/<[^>]+>/g, "").replaceAll("&quot;", '"');
      expect(JSON.stringify(JSON.parse(source))).toContain(`${landing.origin}/mcp`);
    }
  }
});

test("locally the page says that hosted clients need a deployed server", async () => {
  const text = await textOf(local);
  expect(text).toMatch(/claude\.ai and ChatGPT[\s\S]*cannot reach localhost/);
  expect(text).not.toContain("Add custom connector");
});

test("locally the page says which Jupyter answers, and where", async () => {
  expect(await textOf(local)).toContain(
    "Jupyter Server 2.17.0 answers at http://localhost:8888.",
  );
});

test("locally the page says why Jupyter does not answer", async () => {
  const text = await textOf({
    ...local,
    jupyter: {
      answers: false,
      url: "http://localhost:8888",
      reason: "The connection was refused.",
    },
  });
  expect(text).toContain(
    "Jupyter does not answer at http://localhost:8888: The connection was refused.",
  );
});

test("a page that is not open says what is missing before anything else", async () => {
  const text = await textOf({ ...deployed, missing: ["SIGN_IN is not set"] });
  expect(text).toMatch(/not open yet[\s\S]*SIGN_IN is not set[\s\S]*Connect a client/);
  expect(text).not.toContain("a page opens to sign in");
});

test("an open page does not speak of missing settings", async () => {
  expect(await textOf(deployed)).not.toMatch(/SIGN_IN|not open/);
});

test("text from elsewhere is shown, never interpreted as markup", async () => {
  const page = await rendered({
    ...local,
    origin: "http://a&b",
    jupyter: { answers: true, version: "<img src=x>", url: 'http://"><script>' },
    missing: ["<b>"],
  });
  expect(page).not.toMatch(/<img|<script|<b>|a&b/);
});

test("the page works without scripts, assets, inline styles or anything but itself", async () => {
  const page = await rendered(local);
  expect(page).not.toMatch(/<script|<link|<img|\son\w+=|\sstyle=|url\(|@import/);
});

test("a screen reader finds a language, landmarks and headings in order", async () => {
  const page = await rendered({ ...local, missing: ["SIGN_IN is not set"] });
  expect(page).toMatch(/^<!doctype html><html lang="en">/);
  expect(page).toMatch(/<header>[\s\S]*<main>/);
  const levels = [...page.matchAll(/<h([1-6])/g)].map(([, level]) => Number(level));
  expect(levels.filter((level) => level === 1)).toHaveLength(1);
  levels.forEach((level, i) => {
    expect(level).toBeLessThanOrEqual((levels[i - 1] ?? 0) + 1);
  });
  for (const [, id] of page.matchAll(/aria-labelledby="([^"]+)"/g)) {
    expect(page).toContain(`id="${id}"`);
  }
});

test("whoever may sign in finds the way to their account, and nobody else is sent there", async () => {
  expect(await rendered(deployed)).toContain('href="/account"');
  expect(await rendered(local)).not.toContain('href="/account"');
  expect(await rendered({ ...deployed, missing: ["SIGN_IN is not set"] })).not.toContain(
    'href="/account"',
  );
});
