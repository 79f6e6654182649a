/** What a person could go on typing. What is not there completes to nothing. */

import { ExpectedError, valueOf, type Failure } from "../errors.ts";
import { listDirectory, type ContentsEntry } from "../jupyter/contents.ts";
import { listKernels } from "../jupyter/kernels.ts";
import { listKernelspecs } from "../jupyter/kernelspecs.ts";
import { checkedPath } from "../jupyter/paths.ts";
import type { CallContext } from "./tool.ts";
import { conversationOf } from "./tools/execution.ts";

/** Gives the values that begin with what is typed, the likeliest first. `others` are the arguments that are there already. */
export type Complete = (
  typed: string,
  context: CallContext,
  others: Readonly<Record<string, string>>,
) => Promise<string[]>;

/** As many as MCP lets an answer have. */
const MAX_VALUES = 100;

/** Completes a path level by level; a folder ends in a slash. */
export const completePath: Complete = (typed, context) =>
  pathsBelow(typed, context, () => true);

/** Like {@link completePath}, with notebooks and folders alone. */
export const completeNotebookPath: Complete = (typed, context) =>
  pathsBelow(typed, context, ({ type }) => type === "notebook");

/** Completes a conversation's handle, the one used last first. */
export const completeConversation: Complete = async (typed, { workspace }) => {
  const { conversations } = await workspace.list(MAX_VALUES);
  return startingWith(
    typed,
    conversations.map(({ handle }) => handle),
  );
};

/** Completes an execution of the conversation that is named already, the latest first. */
export const completeExecution: Complete = (typed, context, { conversation }) =>
  orNothing(async () => {
    if (conversation === undefined) return [];
    const stub = conversationOf(conversation, context);
    const executions = valueOf(await stub.executions(MAX_VALUES));
    return startingWith(
      typed,
      executions.map(({ execution }) => execution),
    );
  });

/** Completes a kernel: a kernelspec, a language, or the id of one that runs. */
export const completeKernel: Complete = async (typed, { jupyter }) => {
  const [specs, running] = await Promise.all([
    listKernelspecs(jupyter),
    listKernels(jupyter),
  ]);
  return startingWith(typed, [
    ...specs.map(({ name }) => name),
    ...specs.map(({ language }) => language).filter((language) => language !== ""),
    ...running.map(({ id }) => id),
  ]);
};

function pathsBelow(
  typed: string,
  { jupyter }: CallContext,
  isWanted: (entry: ContentsEntry) => boolean,
): Promise<string[]> {
  return orNothing(async () => {
    const folder = checkedPath(typed.slice(0, typed.lastIndexOf("/") + 1), true);
    const entries = await listDirectory(jupyter, folder);
    const [folders, files] = [
      entries.filter(({ type }) => type === "directory").map(({ path }) => `${path}/`),
      entries
        .filter((entry) => entry.type !== "directory" && isWanted(entry))
        .map(({ path }) => path),
    ];
    return startingWith(typed, [...files, ...folders].toSorted());
  });
}

function startingWith(typed: string, values: readonly string[]): string[] {
  const start = typed.toLowerCase();
  return [...new Set(values)].filter((value) => value.toLowerCase().startsWith(start));
}

const NOTHING_THERE: readonly Failure["code"][] = [
  "answer_too_large",
  "bad_path",
  "conversation_not_found",
  "file_not_found",
  "jupyter_error",
  "not_folder",
];

async function orNothing(work: () => Promise<string[]>): Promise<string[]> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ExpectedError && NOTHING_THERE.includes(error.failure.code))
      return [];
    throw error;
  }
}
