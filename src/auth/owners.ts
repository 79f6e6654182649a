import type { SignIn } from "../config.ts";
import { identityPrincipal } from "../identity.ts";

const PRINCIPAL = /^[a-z2-7]{52}$/;

/**
 * Whether a person is one of the deployment's owners. `OWNERS` names them by
 * their principals, which their page shows, or as `issuer` knows them: that is
 * the deployment's own, so that no server of somebody else can claim the name.
 */
export async function isOwner(
  principal: string,
  { owners }: Pick<SignIn, "owners">,
  issuer: string,
): Promise<boolean> {
  const principals = await Promise.all(
    owners.map((owner) =>
      PRINCIPAL.test(owner) ? owner : identityPrincipal(issuer, owner),
    ),
  );
  return principals.includes(principal);
}
