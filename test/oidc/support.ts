import { inject } from "vitest";
import { Visitor } from "../hosted/visitor.ts";
import { whileGatewayIs } from "../support/gateway-mode.ts";

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
export function whileIssuerIs(
  mode: "down" | "error",
  work: () => Promise<void>,
  only = "",
): Promise<void> {
  return whileGatewayIs(mode, inject("issuer").gatewayPort, work, only);
}
