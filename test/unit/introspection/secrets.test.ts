import { expect, test } from "vitest";
import {
  isSecretName,
  maskSecrets,
  maskStrings,
} from "../../../src/introspection/secrets.ts";

test.for([
  "password",
  "DB_PASSWORD",
  "dbPassword",
  "passwd",
  "api_key",
  "apiKey",
  "OPENAI_API_KEY",
  "aws_secret_access_key",
  "token",
  "access_token",
  "githubToken",
  "credentials",
  "secrets",
  "auth",
])("%s is the name of a secret", (name) => {
  expect(isSecretName(name)).toBe(true);
});

test.for([
  "tokens",
  "tokenizer",
  "n_tokens",
  "max_tokens",
  "author",
  "key",
  "keys",
  "passengers",
  "compass",
  "secretary",
  "df",
])("%s is a name like any other", (name) => {
  expect(isSecretName(name)).toBe(false);
});

test.for([
  ["AWS", "AKIAIOSFODNN7EXAMPLE"],
  ["GitHub", "ghp_16C7e42F292c6912E7710c838347Ae178B4a"],
  ["GitHub, fine-grained", "github_pat_11ABCDEFG0abcdefghijkl_mnopqrstuvwxyz"],
  ["Slack", "xoxb-1234567890-abcdef"],
  ["Google", "AIzaSyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY"],
  ["OpenAI", "sk-proj-abcdefghijklmnopqrstuvwxyz012345"],
  ["Anthropic", "sk-ant-api03-abcdefghijklmnopqrstuvwxyz"],
  ["Stripe", "sk_live_abcdefghijklmnop1234"],
  ["Hugging Face", "hf_abcdefghijklmnopqrstuv"],
  [
    "a JSON web token",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVm",
  ],
  ["a bearer", "Bearer abcdef123456"],
] as const)("the key of %s is covered wherever it stands", ([, secret]) => {
  const { text, count } = maskSecrets(`{'where': '${secret}', 'n': 1}`);
  expect(text).not.toContain(secret.slice(-8));
  expect(text).toMatch(/^\{'where': '.*•••', 'n': 1\}$/);
  expect(count).toBe(1);
});

test("a password in a URL and a private key are covered, what is around them is not", () => {
  expect(maskSecrets("postgres://ada:hunter2@db.example.com:5432/main").text).toBe(
    "postgres://ada:•••@db.example.com:5432/main",
  );
  expect(
    maskSecrets(
      "-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc\n-----END RSA PRIVATE KEY-----\nx",
    ).text,
  ).toBe("•••\nx");
  // Cut off in the middle, as a long value is.
  expect(maskSecrets("'-----BEGIN PRIVATE KEY-----\\nMIIEvQIBADANBg").text).toBe("'•••");
});

test.for([
  ["{'password': 'hunter2', 'user': 'ada'}", "{'password': •••, 'user': 'ada'}", 1],
  ['{apiKey: "abc", n: 1}', "{apiKey: •••, n: 1}", 1],
  ["Config(token='a\\'b', retries=3)", "Config(token=•••, retries=3)", 1],
  ["token: str = 'abc'", "token: str = •••", 1],
  ['token: string  "abc"', "token: string  •••", 1],
  ["'token': 'cut off in the mid", "'token': •••", 1],
  [
    "{'max_tokens': 100, 'tokenizer': 'gpt2'}",
    "{'max_tokens': 100, 'tokenizer': 'gpt2'}",
    0,
  ],
  ["{'password': ''}", "{'password': ''}", 0],
] as const)("%s reads %s", ([text, expected, count]) => {
  expect(maskSecrets(text)).toEqual({ text: expected, count });
});

test("of a variable that is a secret by its name every string is covered", () => {
  expect(maskStrings("['a', \"b\", 3, '']")).toEqual({
    text: "[•••, •••, 3, '']",
    count: 2,
  });
  expect(maskStrings("b'\\x00'")).toEqual({ text: "•••", count: 1 });
});

test("long values take no longer than they are", () => {
  const text = "{'password': '".repeat(20_000);
  expect(maskSecrets(text).text.length).toBeLessThanOrEqual(text.length);
});
