import {
  auth,
  type OAuthClientInformationMixed,
  type OAuthClientProvider,
  type OAuthTokens,
} from "@modelcontextprotocol/client";

type Discovered = Awaited<ReturnType<NonNullable<OAuthClientProvider["discoveryState"]>>>;

/**
 * What a client keeps that signs in with OAuth, as both SDKs ask for it. It opens
 * no browser: a test looks at {@link asked} and does what a person would.
 */
export class OAuthMemory {
  readonly redirectUrl: string;
  readonly clientMetadata: OAuthClientProvider["clientMetadata"];
  /** Every page that the person was sent to, in order. */
  readonly asked: URL[] = [];
  kept: OAuthTokens | undefined;
  #information: OAuthClientInformationMixed | undefined;
  #verifier = "";
  #discovered: Discovered;

  constructor(redirectUrl: string, clientName: string) {
    this.redirectUrl = redirectUrl;
    this.clientMetadata = {
      client_name: clientName,
      redirect_uris: [redirectUrl],
      token_endpoint_auth_method: "none",
    };
  }

  /** The page that the person was sent to last. */
  get page(): URL {
    const url = this.asked.at(-1);
    if (url === undefined) throw new Error("Nobody was sent to a page");
    return url;
  }

  /** The tokens, where it has some. */
  get tokensKept(): OAuthTokens {
    if (this.kept === undefined) throw new Error("There are no tokens");
    return this.kept;
  }

  /** Registers with whoever signs people in for the server at `url`, and learns of the page. */
  async register(url: string): Promise<string> {
    await auth(this, { serverUrl: url });
    if (this.#information === undefined) throw new Error("It was not registered");
    return this.#information.client_id;
  }

  state(): string {
    return crypto.randomUUID();
  }

  clientInformation(): OAuthClientInformationMixed | undefined {
    return this.#information;
  }

  saveClientInformation(information: OAuthClientInformationMixed): void {
    this.#information = information;
  }

  tokens(): OAuthTokens | undefined {
    return this.kept;
  }

  saveTokens(tokens: OAuthTokens): void {
    this.kept = tokens;
  }

  redirectToAuthorization(url: URL): void {
    this.asked.push(url);
  }

  saveCodeVerifier(verifier: string): void {
    this.#verifier = verifier;
  }

  codeVerifier(): string {
    return this.#verifier;
  }

  saveDiscoveryState(discovered: NonNullable<Discovered>): void {
    this.#discovered = discovered;
  }

  discoveryState(): Discovered {
    return this.#discovered;
  }

  invalidateCredentials(what: "all" | "client" | "tokens" | "verifier" | "discovery") {
    if (what === "all" || what === "tokens") this.kept = undefined;
    if (what === "all" || what === "client") this.#information = undefined;
    if (what === "all" || what === "discovery") this.#discovered = undefined;
  }
}
