import { z } from "zod";

/** Arguments that several tools share, each described once. */
export const conversationHandle = z
  .string()
  .describe("Handle (c_…) from run_code or list_conversations");

/** Which kernel a call is about. */
export const kernelName = z
  .string()
  .min(1)
  .max(200)
  .describe(
    "Kernel id or its first 4+ characters, kernelspec or language. Default: last used",
  );

/** Which execution a call is about. */
export const executionId = z
  .string()
  .describe("Execution id (e1, e2, …) from a status line");

/** Clients give up on a call after 60 s, so that a call waits for less. */
export const waitSeconds = z
  .number()
  .min(0)
  .max(50)
  .describe("How long to wait for the end, in seconds; a run goes on after it");

/** The most text that a result may have. */
export const MAX_OUTPUT_CHARS = 80_000;

/** How much text a result may have. */
export const outputBudget = z
  .number()
  .int()
  .min(500)
  .max(MAX_OUTPUT_CHARS)
  .default(10_000)
  .describe("Budget for the text of the result");

/** Which file a call is about. */
export const filePath = z.string().describe("Path relative to Jupyter's root");
