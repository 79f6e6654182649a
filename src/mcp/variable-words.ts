import type { Variables } from "../conversation/introspection.ts";
import type {
  Section,
  Variable,
  VariableDetail,
  VariableList,
} from "../introspection/found.ts";
import { isSecretName, maskSecrets, maskStrings } from "../introspection/secrets.ts";
import { plainText } from "../output/terminal.ts";
import { oneLine } from "./quoting.ts";
import { kernelName } from "./words.ts";

/** Of the whole list. */
const MAX_LIST_CHARS = 10_000;
const MAX_VALUE_CHARS = 100;
const MAX_TYPE_CHARS = 60;
const MAX_NAME_CHARS = 80;

/** Covers secrets and counts them. */
class Cover {
  count = 0;

  value(name: string, text: string): string {
    const { text: masked, count } = isSecretName(name)
      ? maskStrings(text)
      : maskSecrets(text);
    this.count += count;
    return masked;
  }

  /** Of a variable or a field that is a secret by its name, nothing but that it is there. */
  section(name: string, { title, text }: Section): Section {
    if (isSecretName(name) && /^(text|items|values|value|head)$/.test(title)) {
      this.count += 1;
      return { title, text: "(looks like a secret)" };
    }
    const { text: masked, count } = maskSecrets(text);
    this.count += count;
    return { title, text: masked };
  }

  lines(): string[] {
    if (this.count === 0) return [];
    const what =
      this.count === 1
        ? "1 value looks like a secret and is"
        : `${this.count} values look like secrets and are`;
    return [`${what} not shown (•••).`];
  }
}

/** A look at a kernel's variables in words. */
export function variablesText(result: Variables, conversation: string): string {
  const { kernel, found, isNewGeneration } = result;
  const where = `${kernelName(kernel)} · ${conversation}`;
  const news = isNewGeneration
    ? [
        `The kernel was restarted (generation ${kernel.generation}): earlier variables are gone.`,
      ]
    : [];
  const lines = "sections" in found ? detailLines(found, where) : listLines(found, where);
  return [lines[0], ...news, ...lines.slice(1)].join("\n");
}

function listLines(found: VariableList, where: string): string[] {
  const { variables, modules, total } = found;
  const cover = new Cover();
  const lines: string[] = [];
  let chars = 0;
  for (const variable of variables) {
    const line = lineOf(variable, cover);
    chars += line.length + 1;
    if (chars > MAX_LIST_CHARS) break;
    lines.push(line);
  }
  const more = total - lines.length;
  if (more > 0)
    lines.push(
      `… ${more} more. Next: list_variables with pattern ("df*") narrows them down.`,
    );
  if (modules.length > 0) lines.push(`Imported: ${modules.map(oneLine).join(", ")}`);
  const count = total === 1 ? "1 variable" : `${total} variables`;
  return [`${count} · ${where}`, ...lines, ...cover.lines()];
}

function lineOf(variable: Variable, cover: Cover): string {
  const { name, value } = variable;
  const shown = clipped(oneLine(cover.value(name, value)), MAX_VALUE_CHARS);
  return [...headOf(variable), ...(shown === "" ? [] : [shown])].join("  ");
}

function headOf({ name, type, shape, length, bytes }: Variable): string[] {
  const size =
    shape ?? (length === null || length === undefined ? null : `length ${length}`);
  return [
    clipped(oneLine(name), MAX_NAME_CHARS),
    clipped(oneLine(type), MAX_TYPE_CHARS),
    ...(size === null ? [] : [clipped(oneLine(size), MAX_TYPE_CHARS)]),
    ...(bytes === null || bytes === undefined ? [] : [sizeText(bytes)]),
  ];
}

function detailLines({ variable, sections }: VariableDetail, where: string): string[] {
  const cover = new Cover();
  const { name, value } = variable;
  const hidden = sections.some(
    ({ title, text }) =>
      title === "columns" &&
      text.split("\n").some((line) => isSecretName(line.split("  ")[0] ?? "")),
  );
  const shown = clipped(oneLine(cover.value(name, value)), 3 * MAX_VALUE_CHARS);
  const lines = sections.flatMap((section) => {
    if (hidden && section.title === "head")
      return ["head: (not shown: a column looks like secrets)"];
    const { title, text } = cover.section(name, section);
    const plain = plainText(text).trimEnd();
    return plain.includes("\n") ? [`${title}:`, plain] : [`${title}: ${plain}`];
  });
  return [
    [...headOf(variable), where].join(" · "),
    ...(shown === "" ? [] : [shown]),
    ...lines,
    ...cover.lines(),
  ];
}

function clipped(text: string, maxChars: number): string {
  return text.length > maxChars ? `${text.slice(0, maxChars - 1)}…` : text;
}

/** Bytes as a reader wants them: `48 B`, `1.2 kB`, `8.0 MB`, `10.7 GB`. */
function sizeText(bytes: number): string {
  const [unit, size] = (
    [
      ["GB", 1e9],
      ["MB", 1e6],
      ["kB", 1e3],
    ] as const
  ).find(([, each]) => bytes >= each) ?? ["B", 1];
  return size === 1 ? `${bytes} B` : `${(bytes / size).toFixed(1)} ${unit}`;
}
