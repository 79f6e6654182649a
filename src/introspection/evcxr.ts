import {
  publishedText,
  silently,
  type Found,
  type LookAtVariables,
  type Variable,
} from "./found.ts";

const MAX_LISTED = 200;

/**
 * Looks at the variables of evcxr, whose command lists names and types. A value can
 * only be had by compiling code that shows it, which is done for one at a time. It
 * counts all that it is given, so the next execution has a higher number.
 */
export const lookAtEvcxr: LookAtVariables = async ({ name, pattern }, ask) => {
  const listed = publishedText(await ask("execute_request", silently(":vars")));
  if (listed === null) return null;
  const all = listed.split("\n").flatMap(variableOfLine);
  if (name === null) {
    const wanted = new RegExp(`^(?:${pattern})$`, "su");
    const matching = all.filter((variable) => wanted.test(variable.name));
    return {
      variables: matching.slice(0, MAX_LISTED),
      modules: [],
      total: matching.length,
    };
  }
  const variable = all.find((each) => each.name === name);
  return variable === undefined ? similarTo(name, all) : detailOf(variable, ask);
};

function variableOfLine(line: string): Variable[] {
  const [, name, type] = /^(\w+): (.+)$/.exec(line) ?? [];
  return name === undefined || type === undefined ? [] : [{ name, type, value: "" }];
}

async function detailOf(
  variable: Variable,
  ask: Parameters<LookAtVariables>[1],
): Promise<Found> {
  // A reference, so that the variable is not moved.
  const value = publishedText(
    await ask("execute_request", silently(`&${variable.name}`)),
  );
  const text = value ?? `(${variable.type} does not implement Debug)`;
  return { variable, sections: [{ title: "value", text }] };
}

function similarTo(name: string, all: readonly Variable[]): Found {
  const wanted = name.toLowerCase();
  const similar = all
    .map((variable) => variable.name)
    .filter((other) => other.toLowerCase().includes(wanted));
  return { similar: similar.slice(0, 3) };
}
