import { expect, test } from "vitest";
import { chooseOwn, looksLikeId, parseWish } from "../../../src/conversation/choice.ts";
import { ExpectedError } from "../../../src/errors.ts";
import type { KernelSlot } from "../../../src/kernel/slots.ts";

function slot(
  number: number,
  kernelId: string,
  kernelspec: string,
  language: string,
): KernelSlot {
  return {
    slot: number,
    kernelId,
    kernelspec,
    language,
    sessionId: "",
    generation: 1,
    startedHere: true,
    gone: false,
    toldGone: false,
    lastCount: 0,
    processSession: "",
    usedAt: 0,
    listeningSince: null,
  };
}

const SLOTS = [
  slot(3, "4f1caaaa-1111", "ir", "R"),
  slot(2, "4f1cbbbb-2222", "python3", "python"),
  slot(1, "99990000-3333", "python3", "python"),
];

test("new: asks for another kernel, a name for one of ours, nothing for the current one", () => {
  expect(parseWish("new:python")).toEqual({ kind: "new", name: "python" });
  expect(parseWish("python")).toEqual({ kind: "named", name: "python" });
  expect(parseWish(undefined)).toEqual({ kind: "current" });
});

test("a language or kernelspec means the kernel of it that was used last", () => {
  expect(chooseOwn(SLOTS, "python")?.slot).toBe(2);
  expect(chooseOwn(SLOTS, "python3")?.slot).toBe(2);
  expect(chooseOwn(SLOTS, "r")?.slot).toBe(3);
  expect(chooseOwn(SLOTS, "julia")).toBeNull();
});

test("an id or a unique prefix of four characters means that kernel", () => {
  expect(chooseOwn(SLOTS, "9999")?.slot).toBe(1);
  expect(chooseOwn(SLOTS, "4F1CB")?.slot).toBe(2);
  expect(chooseOwn(SLOTS, "999")).toBeNull();
});

test("a prefix that fits several kernels is refused and names them", () => {
  expect(() => chooseOwn(SLOTS, "4f1c")).toThrow(ExpectedError);
});

test("names of languages do not look like ids", () => {
  expect(["python3", "deno", "r", "ada", "typescript"].some(looksLikeId)).toBe(false);
  expect(["4f1c", "4f1c22aa-9b1e-4d0e-8c55-111111111111"].every(looksLikeId)).toBe(true);
});
