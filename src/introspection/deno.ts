import source from "./deno.kernel.js";
import { parseFound, publishedBy, type LookAtVariables } from "./found.ts";

/** What is between two names that JavaScript would read as something else. */
const RESERVED = new Set(
  (
    "arguments await break case catch class const continue debugger default delete do else enum eval export " +
    "extends false finally for function if implements import in instanceof interface let new null package private " +
    "protected public return static super switch this throw true try typeof var void while with yield"
  ).split(" "),
);

/**
 * Looks at the variables of a Deno kernel. Names that are declared can be asked
 * for one by one, but not listed: its completion of nothing lists them.
 */
export const lookAtDeno: LookAtVariables = async ({ name, pattern }, ask) => {
  const { reply } = await ask("complete_request", { code: "", cursor_pos: 0 });
  const matches: unknown = reply?.["matches"];
  if (!Array.isArray(matches)) return null;
  const names = matches.filter(
    (match): match is string => typeof match === "string" && isName(match),
  );
  const reads = names.map((each) => `[${JSON.stringify(each)}, () => ${each}]`);
  const asked = `{name: ${JSON.stringify(name)}, pattern: ${JSON.stringify(pattern)}, names: [${reads.join(", ")}]}`;
  const code = `await (${source})(${asked}); undefined`;
  return parseFound(await publishedBy(ask, code));
};

function isName(text: string): boolean {
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(text) && !RESERVED.has(text);
}
