import { expect, test } from "vitest";
import { htmlText } from "../../../src/output/html.ts";

test("a DataFrame reads as a table in aligned columns", () => {
  const html = `<div>
<style scoped>.dataframe tbody tr th { vertical-align: top; }</style>
<table border="1" class="dataframe">
  <thead><tr style="text-align: right;"><th></th><th>name</th><th>n</th></tr></thead>
  <tbody>
    <tr><th>0</th><td>Ada</td><td>1</td></tr>
    <tr><th>1</th><td>Grace Hopper</td><td>20</td></tr>
  </tbody>
</table>
<p>2 rows × 2 columns</p>
</div>`;
  expect(htmlText(html)).toBe(
    [
      "   name          n",
      "0  Ada           1",
      "1  Grace Hopper  20",
      "",
      "2 rows × 2 columns",
    ].join("\n"),
  );
});

test("cells that span columns and rows keep the others in their columns", () => {
  const html = `<table><tr><th></th><th colspan="2">sales</th></tr>
<tr><th></th><th>min</th><th>max</th></tr>
<tr><th rowspan="2">x</th><td>1</td><td>2</td></tr><tr><td>3</td><td>4</td></tr></table>`;
  expect(htmlText(html)).toBe(
    ["   sales", "   min  max", "x  1    2", "   3    4"].join("\n"),
  );
});

test("links keep their address, unless it is data", () => {
  expect(htmlText('<a href="https://x.org/a">docs</a>')).toBe("docs [https://x.org/a]");
  expect(htmlText('<a href="https://x.org/a">https://x.org/a</a>')).toBe(
    "https://x.org/a",
  );
  expect(htmlText('<a href="DATA:text/csv;base64,QUJD">save</a>')).toBe("save");
});

test("scripts, styles, drawings and the data of images are left out", () => {
  const html =
    '<script>if (1 < 2) "<p>no</p>"</script ><STYLE>p {}</STYLE><svg><text>no</text></svg>' +
    '<p>yes</p><img src="data:image/png;base64,AAAA" alt="a plot"><img src="data:x"><script>open';
  expect(htmlText(html)).toBe("yes\n\n[a plot]");
});

test("HTML with nothing to read is empty", () => {
  expect(htmlText(`<div id="plot"></div><script>${"x".repeat(600_000)}</script>`)).toBe(
    "",
  );
});

test("text after a long script is read", () => {
  expect(htmlText(`<script>${"x".repeat(600_000)}</script><p>read</p>`)).toBe("read");
});

test("of long HTML the beginning is read, and that is said", () => {
  const text = htmlText(`<p>start</p>${"<p>word</p>".repeat(100_000)}`);
  expect(text).toMatch(/^start\n/);
  expect(text).toMatch(/\n\[the first 500,000 of 1,100,012 characters of HTML\]$/);
});

test("headings and entities read as they are written", () => {
  expect(htmlText("<h1>Title</h1><p>a &lt; b &amp; c</p>")).toBe("Title\n\na < b & c");
});

test("a table that asks for millions of cells is read without its spans", () => {
  const row = '<tr><td colspan="1000000000" rowspan=1000000>x</td><td>y</td></tr>';
  expect(htmlText(`<table>${row.repeat(2)}</table>`)).toBe("x  y\nx  y");
});

test("HTML that is nested too deep ends in an ellipsis", () => {
  expect(htmlText(`${"<div>".repeat(5_000)}deep`)).toBe("...");
});
