import type { PageSignIn, SentBefore } from "./page-sign-in.tsx";
import { AccountLayout } from "./parts.tsx";

/** The page on which a person signs in, at whichever address of theirs they opened. */
export function signInPage(props: {
  readonly way: PageSignIn;
  /** Where the person goes on afterwards, on this origin. */
  readonly back: string;
  readonly sent: SentBefore | null;
}) {
  const { way, back, sent } = props;
  return (
    <AccountLayout
      heading="Sign in"
      lead={way.lead}
      problem={sent?.problem.message}
      isInner={false}
    >
      <form method="post" action="/account/sign-in">
        <input type="hidden" name="back" value={back} />
        {way.fields(sent)}
        <p class="buttons">
          <button type="submit">Sign in</button>
        </p>
      </form>
      <p class="soft">
        This browser stays signed in for twelve hours, unless you sign out. A cookie of
        this site alone remembers it.
      </p>
    </AccountLayout>
  );
}
