import { parseFound, publishedBy, type LookAtVariables } from "./found.ts";
import source from "./r.r";

/** Looks at the variables of IRkernel, which knows no expressions but shows what is displayed. */
export const lookAtR: LookAtVariables = async ({ name, pattern }, ask) => {
  const wanted = name === null ? "NULL" : stringOfR(name);
  const asked = `base::list(name = ${wanted}, pattern = ${stringOfR(pattern)})`;
  const code = source.replace("__ASKED__", () => asked);
  return parseFound(await publishedBy(ask, code));
};

/** Of what R writes like JSON only quotes and backslashes are sure; the rest is written as code points. */
function stringOfR(text: string): string {
  const chars = Array.from(text, (char) => {
    if (/[A-Za-z0-9 _.*()?:|[\]^-]/.test(char)) return char;
    return `\\U{${char.codePointAt(0)?.toString(16)}}`;
  });
  return `"${chars.join("")}"`;
}
