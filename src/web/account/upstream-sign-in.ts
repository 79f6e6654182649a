/** Where people have an account elsewhere, a page sends them there and lets in who comes back. */

import type { Deployment } from "../../account/deployment.ts";
import { VISIT_MS } from "../../account/visits.ts";
import {
  claimedVisit,
  keptOf,
  newBrowserVisit,
  visitCookie,
} from "../../auth/browser-visit.ts";
import { newVisit, type Upstream, type Visit } from "../../auth/upstream.ts";
import type { SignIn } from "../../config.ts";
import type { Log } from "../../log.ts";
import { Sealer } from "../../sealing.ts";
import { TOO_MANY } from "../given-server.ts";
import type { PageSignIn } from "./page-sign-in.tsx";

/** A person on the way to their page. */
export interface PageVisit extends Visit {
  /** The page that they wanted, on this origin. */
  readonly back: string;
}

/** What keeps and finds those who are on their way. */
export interface PageVisitsDeps {
  readonly signIn: SignIn;
  readonly deployment: DurableObjectStub<Deployment>;
}

/** What sending somebody elsewhere needs of the deployment. */
export interface UpstreamPageDeps extends PageVisitsDeps {
  /** Counts an attempt to sign in from a network address; false where there were too many. */
  readonly attempt: (address: string) => Promise<boolean>;
  readonly log: Log;
}

/** Binds what is sealed to its purpose. */
const PURPOSE = "a visit to a page";

/** `SIGN_IN=jupyterhub` and `oidc`: who somebody is, their Hub or issuer says. */
export function upstreamPageSignIn(
  deps: UpstreamPageDeps,
  upstream: Upstream,
): PageSignIn {
  const { host } = upstream;
  return {
    lead: `You sign in at ${host}, as you did when you connected a client, and come back from there.`,
    formTargets: [],
    fields: () => null,
    async prove(_form, request, back) {
      const address = request.headers.get("cf-connecting-ip") ?? "local";
      if (!(await deps.attempt(address))) {
        deps.log.warn("sign_in", { at: "account", outcome: "too_many_attempts" });
        return { problem: TOO_MANY };
      }
      const begin = await upstream.begin();
      if ("problem" in begin)
        return {
          problem: {
            field: null,
            message: `${host} cannot be reached from here. Try again in a moment.`,
          },
        };
      const { state, secret } = newBrowserVisit();
      const visit = { ...newVisit(), state, back };
      const { id, browser } = await keptOf({ state, secret });
      const sealed = await sealer(deps).seal(JSON.stringify(visit), PURPOSE);
      await deps.deployment.keepVisit(id, browser, sealed);
      return {
        elsewhere: {
          host,
          url: (await begin.urlFor(visit)).href,
          cookie: await visitCookie({ state, secret }, VISIT_MS),
        },
      };
    },
  };
}

/**
 * The visit to a page from which a browser comes back, once and in the browser that
 * was sent; null where its state is of something else, or of nothing any more.
 */
export async function takenVisit(
  request: Request,
  deps: PageVisitsDeps,
): Promise<PageVisit | null> {
  const claimed = await claimedVisit(request);
  if (claimed === null) return null;
  const { id, browser } = await keptOf(claimed);
  const sealed = await deps.deployment.takeVisit(id, browser);
  if (sealed === null) return null;
  const { text } = await sealer(deps).open(sealed, PURPOSE);
  // Sealed by `prove` alone.
  return JSON.parse(text) as PageVisit;
}

function sealer({ signIn }: PageVisitsDeps): Sealer {
  return new Sealer(signIn.sealingKeys);
}
