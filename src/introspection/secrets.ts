/**
 * What looks like a secret in the text of a variable is covered before anybody
 * reads it: by the name that it stands under, and by the forms that keys have.
 * That is a net, not a wall: code that is run can print whatever it likes.
 */

/** A text with its secrets covered, and how many there were. */
export interface Masked {
  readonly text: string;
  readonly count: number;
}

const COVER = "•••";

/** Parts of names, in snake_case or camelCase, for what nobody should see. */
const SECRET_WORD =
  /(?:^|[^a-z])(?:pass(?:word|wd|phrase)?|pwd|secrets?|token|credentials?|(?:api|access|private|signing|encryption|auth)[-_ ]?key|bearer|auth)(?:$|[^a-z])/i;
const CAMEL_BOUNDARY = /(\p{Ll}|\d)(?=\p{Lu})/gu;

/**
 * Forms of well-known keys: AWS, GitHub, GitLab, Slack, Google, OpenAI, Anthropic,
 * Stripe, Hugging Face, npm and PyPI; JSON web tokens; PEM; and passwords in URLs.
 */
const SECRET_FORM = new RegExp(
  [
    String.raw`\b(?:AKIA|ASIA)[A-Z0-9]{12,}`,
    String.raw`\bgh[opsur]_[A-Za-z0-9]{16,}`,
    String.raw`\bgithub_pat_\w{20,}`,
    String.raw`\bglpat-[\w-]{16,}`,
    String.raw`\bxox[abeoprs]-[\w-]{8,}`,
    String.raw`\bAIza[\w-]{20,}`,
    String.raw`\b(?:sk|pk|rk)[-_](?:[a-z]+[-_])*[A-Za-z0-9_-]{16,}`,
    String.raw`\bhf_[A-Za-z0-9]{16,}`,
    String.raw`\bnpm_[A-Za-z0-9]{20,}`,
    String.raw`\bpypi-[\w-]{20,}`,
    String.raw`\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?`,
    String.raw`-----BEGIN [A-Z ]*PRIVATE KEY-----[^]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)`,
    String.raw`(?<=\b[a-z][a-z0-9+.-]*://[^\s/:@'"]*:)[^\s/@'"]+(?=@)`,
    String.raw`(?<=\b[Bb]earer )[\w.~+/=-]{8,}`,
  ].join("|"),
  "g",
);

const QUOTED = String.raw`b?"(?:[^"\\]|\\[^])*"?|b?'(?:[^'\\]|\\[^])*'?`;
const ANY_QUOTED = new RegExp(QUOTED, "g");
/** `'password': '…'`, `apiKey: "…"`, `token = "…"`, `token: str = '…'`, `token: string  "…"`. */
const NAMED_VALUE = new RegExp(
  String.raw`((["']?)([\w.-]{1,100})\2\s{0,3}[:=](?:\s{0,3}[\w./<>]{1,60}\s{0,3}[ =])?\s{0,3})(${QUOTED})`,
  "g",
);

/** Whether a name says that what it stands for is to be kept secret. */
export function isSecretName(name: string): boolean {
  return SECRET_WORD.test(name.replaceAll(CAMEL_BOUNDARY, "$1_"));
}

/** Covers what looks like a secret in a text, such as the short form of a dictionary. */
export function maskSecrets(text: string): Masked {
  let count = 0;
  const cover = () => {
    count += 1;
    return COVER;
  };
  const named = text.replace(
    NAMED_VALUE,
    (all, before: string, _quote: string, name: string, value: string) =>
      isSecretName(name) && !isEmpty(value) ? before + cover() : all,
  );
  return { text: named.replace(SECRET_FORM, cover), count };
}

/** Covers all strings in the text of a variable whose name says that it is secret. */
export function maskStrings(text: string): Masked {
  let count = 0;
  const masked = text.replace(ANY_QUOTED, (quoted) => {
    if (isEmpty(quoted)) return quoted;
    count += 1;
    return COVER;
  });
  return { text: masked, count };
}

function isEmpty(quoted: string): boolean {
  return /^b?(?:""|'')$/.test(quoted);
}
