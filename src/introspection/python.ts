import { parseFound, silently, type LookAtVariables } from "./found.ts";
import source from "./python.py";

/**
 * Looks at the variables of a kernel with an IPython shell: an expression beside
 * an empty request is neither counted nor remembered.
 */
export const lookAtPython: LookAtVariables = async ({ name, pattern }, ask) => {
  // A string of JSON is one of Python too.
  const program = JSON.stringify(source);
  const wanted = name === null ? "None" : JSON.stringify(name);
  const found =
    `(lambda ns: __import__("builtins").exec(${program}, ns) or ` +
    `ns["answer"](${wanted}, ${JSON.stringify(pattern)}))({"__name__": "jupyter_edge"})`;
  const { reply } = await ask("execute_request", silently("", { found }));
  return parseFound(shownOf(reply?.["user_expressions"]));
};

function shownOf(expressions: unknown): unknown {
  return ["found", "data", "text/plain"].reduce<unknown>(
    (value, key) =>
      typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined,
    expressions,
  );
}
