/**
 * The one stylesheet, in the page itself: the Content-Security-Policy allows it
 * by its hash and nothing else, so there are no `style` attributes and no assets.
 * Text reaches a contrast of 7:1 in both schemes, links and states 4.5:1.
 */
export const STYLE = `
:root {
  color-scheme: light dark;
  --ground: #fcfcfb;
  --raised: #f2f2ef;
  --line: #dededa;
  --text: #1d1f21;
  --soft: #4c5157;
  --link: #a8430a;
  --mark: #f37726;
  --good: #17714a;
  --bad: #a8251b;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #16181a;
    --raised: #202326;
    --line: #34383c;
    --text: #eceded;
    --soft: #b4b9be;
    --link: #f7a46b;
    --good: #5ed09a;
    --bad: #ff9185;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0;
  background: var(--ground);
  color: var(--text);
  font: 1rem/1.6 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
}
header, main { max-width: 50rem; margin-inline: auto; padding-inline: 1.25rem; }
header { padding-top: clamp(2.5rem, 8vw, 5rem); }
main { padding-bottom: 4rem; }
h1, h2, h3 { line-height: 1.25; text-wrap: balance; }
h1 { margin: 0; font-size: clamp(1.75rem, 5vw, 2.25rem); font-weight: 650; letter-spacing: -0.02em; overflow-wrap: anywhere; }
h1::before {
  content: "";
  display: block;
  width: 2.5rem;
  height: 0.3rem;
  margin-bottom: 1.25rem;
  border-radius: 1rem;
  background: var(--mark);
}
h2 { margin: 3rem 0 0.75rem; font-size: 1.25rem; font-weight: 650; letter-spacing: -0.01em; }
h3 { margin: 0; font-size: 1rem; font-weight: 600; }
p { margin: 0.75rem 0; }
ul { margin: 0.75rem 0; padding-left: 1.25rem; }
ul:not(.clients, .items) > li + li { margin-top: 0.4rem; }
a { color: var(--link); text-underline-offset: 0.15em; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 3px; }
a:focus-visible { border-radius: 2px; }
.lead { max-width: 40rem; font-size: 1.125rem; color: var(--soft); text-wrap: pretty; }
code, pre { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; }
code { font-size: 0.9em; overflow-wrap: anywhere; }
:not(pre) > code { padding: 0.1em 0.3em; border-radius: 0.3em; background: var(--raised); }
pre {
  margin: 0.5rem 0 0.75rem;
  padding: 0.7rem 0.9rem;
  border: 1px solid var(--line);
  border-radius: 0.5rem;
  background: var(--raised);
  font-size: 0.875rem;
  line-height: 1.55;
  white-space: pre-wrap;
}
pre code { font-size: inherit; user-select: all; -webkit-user-select: all; cursor: text; }
.whole { white-space: nowrap; }
pre.address { padding: 0.9rem 1rem; font-size: 1.05rem; }
.notice {
  margin: 1.75rem 0 0;
  padding: 0.25rem 1.1rem;
  border: 1px solid var(--line);
  border-left: 0.25rem solid var(--bad);
  border-radius: 0.5rem;
}
.notice h2 { margin: 0.75rem 0 0; font-size: 1.0625rem; }
.state { display: flex; gap: 0.6rem; align-items: baseline; margin: 0.5rem 0 0; }
.state::before {
  content: "";
  flex: none;
  width: 0.6rem;
  height: 0.6rem;
  border-radius: 50%;
  background: var(--good);
}
.state.silent::before { border-radius: 0; background: var(--bad); }
.clients { margin: 1rem 0 0; padding: 0; list-style: none; }
.clients > li { padding: 1.1rem 0 0.6rem; border-top: 1px solid var(--line); }
.clients p { margin: 0.35rem 0 0.5rem; }
.clients > li > div { margin-top: 0.4rem; }
.clients > li > div > :first-child { margin-top: 0; }
@media (min-width: 42rem) {
  .clients > li { display: grid; grid-template-columns: 10.5rem minmax(0, 1fr); gap: 1.5rem; }
  .clients > li > div { margin-top: 0; }
}
.soft { color: var(--soft); }
dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 0.4rem 1.25rem; margin: 0.75rem 0; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; }
fieldset { margin: 2rem 0 0; padding: 0.5rem 1.1rem 0.75rem; border: 1px solid var(--line); border-radius: 0.5rem; min-width: 0; }
legend { padding: 0 0.4rem; font-size: 1.0625rem; font-weight: 650; }
label { font-weight: 600; }
.hint, .problem { display: block; margin-top: 0.25rem; font-size: 0.9375rem; }
.hint { color: var(--soft); }
.problem { color: var(--bad); font-weight: 600; }
.notice a { color: inherit; }
input:not([type="checkbox"], [type="hidden"]) {
  display: block;
  width: 100%;
  margin-top: 0.3rem;
  padding: 0.6rem 0.7rem;
  border: 1px solid var(--soft);
  border-radius: 0.4rem;
  background: var(--ground);
  color: inherit;
  font: inherit;
}
input[aria-invalid="true"] { border-color: var(--bad); box-shadow: inset 0 0 0 1px var(--bad); }
input[type="checkbox"] { width: 1.15rem; height: 1.15rem; margin: 0 0.6rem 0 0; vertical-align: -0.15rem; accent-color: var(--link); }
.tick { padding-left: 1.75rem; }
.tick > input[type="checkbox"] { margin-left: -1.75rem; }
.buttons { display: flex; flex-wrap: wrap; gap: 0.75rem; margin: 1.75rem 0 0; }
button {
  min-width: 8rem;
  padding: 0.7rem 1.4rem;
  border: 1px solid var(--link);
  border-radius: 0.4rem;
  background: var(--link);
  color: var(--ground);
  font: inherit;
  font-weight: 600;
  cursor: pointer;
}
button.second { background: transparent; color: var(--text); border-color: var(--soft); }
button.small { min-width: 0; padding: 0.35rem 0.9rem; font-size: 0.9375rem; }
form.action { margin: 0.6rem 0; }
.items { margin: 0.75rem 0; padding: 0; list-style: none; }
.items > li { padding: 0.9rem 0 0.4rem; border-top: 1px solid var(--line); }
.items p, .run p { margin: 0.3rem 0; overflow-wrap: anywhere; }
.items h2, .items h3, .run h3 { margin: 0; font-size: 1rem; font-weight: 600; }
.run .notices { white-space: pre-line; color: var(--bad); }
.run .notices:empty { display: none; }
.run { margin: 1rem 0 1.5rem; }
.output { max-height: 26rem; overflow: auto; overflow-wrap: anywhere; }
.output:empty::before { content: "(no output)"; color: var(--soft); }
[hidden] { display: none; }
.back { margin-top: 3rem; }
.activity { font-size: 0.9375rem; }
@media (max-width: 30rem) {
  dl { grid-template-columns: 1fr; gap: 0; }
  dd { margin-bottom: 0.5rem; }
  button { flex: 1; }
}
@media print {
  pre { break-inside: avoid; }
}
`;

/** The `style-src` of the Content-Security-Policy that allows {@link STYLE}. */
export async function styleSource(): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(STYLE));
  return `'sha256-${btoa(String.fromCharCode(...new Uint8Array(digest)))}'`;
}
