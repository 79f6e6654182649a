/**
 * Code that means the same to a real Python kernel and to the fake of
 * fake-jupyter.py, which reads the first line alone.
 */

/** Does nothing that anybody could see. */
export const NOTHING = "# fake: nothing\nx = 1";
/** Has a result. */
export const RESULT = "# fake: result 42\n42";
/** Raises. */
export const FAILING = "# fake: fail\n1 / 0";

/** Prints so many lines, evenly, each of a number and `chars` characters. */
export function printing(lines: number, perSecond: number, chars: number): string {
  return [
    `# fake: print ${lines} ${perSecond} ${chars}`,
    "import time",
    "begun = time.time()",
    `for line in range(${lines}):`,
    `    print(line, "y" * ${chars}, flush=True)`,
    `    time.sleep(max(0, begun + (line + 1) / ${perSecond} - time.time()))`,
  ].join("\n");
}

/** Says nothing for so long. */
export function sleeping(seconds: number): string {
  return `# fake: sleep ${seconds}\nimport time\ntime.sleep(${seconds})`;
}
