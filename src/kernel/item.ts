import type { MimeBundle } from "../jupyter/messages.ts";

/**
 * One entry of an execution's journal, in the order in which the kernel sent
 * them. `position` counts these. Streams come in chunks of at most
 * {@link MAX_STREAM_CHARS} characters, so that a reader can go on from any
 * position; the other kinds are one item each, whatever their size.
 *
 * An `update_display_data` changes the display of the same `display_id` in
 * place, and a `clear_output` removes what came before (with `wait`, as soon as
 * something new comes): both are entries of their own, because an entry that is
 * written never changes.
 */
export type Item = ItemKind & {
  /** Which of several requests it answers, from 0, where an execution consists of several. */
  readonly step?: number;
};

type ItemKind =
  | { readonly type: "stream"; readonly name: "stdout" | "stderr"; readonly text: string }
  | {
      readonly type: "display_data" | "execute_result" | "update_display_data";
      readonly data: MimeBundle;
      readonly metadata: Readonly<Record<string, unknown>>;
      readonly display_id?: string;
      readonly execution_count?: number;
      /** It is what the kernel would put into the next cell, and no output of this one. */
      readonly isSuggestion?: true;
    }
  | {
      readonly type: "error";
      readonly ename: string;
      readonly evalue: string;
      readonly traceback: readonly string[];
    }
  | { readonly type: "clear_output"; readonly wait: boolean }
  | {
      /** What `input()` asked and what was answered; a password's answer is not kept. */
      readonly type: "input";
      readonly prompt: string;
      readonly password: boolean;
      readonly text: string;
    };

/** An item with its place in the execution, counted from 1. */
export interface PlacedItem {
  readonly position: number;
  readonly item: Item;
  /** How many numbers (images and the like) the items before it took, those that were not kept included. */
  readonly numberedBefore?: number;
}

/** Small enough that a page of the default budget holds several. */
export const MAX_STREAM_CHARS = 4_000;
