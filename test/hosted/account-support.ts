import { Browser, ORIGIN, type Filled } from "./support.ts";

/** Where a person's first page is. */
export const ACCOUNT = `${ORIGIN}/account`;

/** A person's browser in which they are signed in to their page. */
export class AccountBrowser {
  readonly browser = new Browser();

  static async signedIn(filled: Filled): Promise<AccountBrowser> {
    const account = new AccountBrowser();
    const answer = await account.signsIn(filled);
    if (answer.status !== 303)
      throw new Error(`${answer.status}: ${await answer.text()}`);
    return account;
  }

  signsIn({ token, server = "" }: Filled, back = "/account"): Promise<Response> {
    return this.browser.submit(`${ACCOUNT}/sign-in`, [
      ["back", back],
      ["server", server],
      ["token", token],
    ]);
  }

  open(path: string): Promise<Response> {
    return this.browser.open(ORIGIN + path);
  }

  /** What a page says. */
  async page(path = "/account"): Promise<string> {
    return (await this.open(path)).text();
  }

  /** Sends a form as the page at `from` has it. */
  async sends(
    path: string,
    fields: Readonly<Record<string, string>> = {},
    from = "/account",
  ): Promise<Response> {
    const token = formTokenIn(await this.page(from));
    return this.browser.submit(ORIGIN + path, [
      ["form_token", token],
      ...Object.entries(fields),
    ]);
  }
}

/** The token in the forms of a page. */
export function formTokenIn(page: string): string {
  const token = /name="form_token" value="([^"]+)"/.exec(page)?.[1];
  if (token === undefined) throw new Error(`No form in: ${page}`);
  return token;
}
