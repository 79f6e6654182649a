/**
 * The script of the live view, the only one of all pages: it puts text that comes
 * from the stream into the parts of the page that show it. Nothing that arrives
 * becomes markup. Without it the page shows what there was when it was opened.
 */
export const SCRIPT = `"use strict";
const runs = new Map();
for (const run of document.querySelectorAll("[data-live]"))
  runs.set(run.dataset.live, run);

function isAtEnd(output) {
  return output.scrollHeight - output.scrollTop - output.clientHeight < 8;
}

function show({ key, status, notices, text, answer, isFinal }) {
  const run = runs.get(key);
  if (run === undefined) return;
  const part = (name) => run.querySelector('[data-part="' + name + '"]');
  part("status").textContent = status;
  part("notices").textContent = notices;
  const output = part("output");
  const follows = isAtEnd(output);
  output.textContent = text;
  if (follows) output.scrollTop = output.scrollHeight;
  const link = part("answer");
  link.hidden = answer === null;
  if (answer !== null) link.querySelector("a").href = answer;
  if (isFinal) {
    runs.delete(key);
    for (const form of run.querySelectorAll("form")) form.remove();
  }
  if (runs.size === 0) source.close();
}

for (const run of runs.values()) {
  const output = run.querySelector('[data-part="output"]');
  output.scrollTop = output.scrollHeight;
}
const keys = [...runs.keys()].map((key) => "run=" + encodeURIComponent(key));
const source = new EventSource("/account/live?" + keys.join("&"));
source.onmessage = (event) => show(JSON.parse(event.data));
source.addEventListener("done", () => source.close());
`;
