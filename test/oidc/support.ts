import { inject } from "vitest";
import { Visitor } from "../hosted/visitor.ts";

/** Somebody who has an account at the issuer. */
export class OidcPerson extends Visitor {
  protected override typesInto(page: string): readonly (readonly [string, string])[] {
    if (!page.includes('name="login"')) return [];
    return [
      ["login", this.name],
      ["password", "any"],
    ];
  }
}

/** Does `work` while the issuer is down, or fails for requests that begin so. */
export async function whileIssuerIs(
  mode: "down" | "error",
  work: () => Promise<void>,
  only = "",
): Promise<void> {
  const control = `http://127.0.0.1:${inject("issuer").gatewayPort}`;
  await fetch(`${control}/?mode=${mode}&only=${encodeURIComponent(only)}`);
  try {
    await work();
  } finally {
    await fetch(`${control}/?mode=pass`);
  }
}
