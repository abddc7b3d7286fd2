// Verify a Predictu callback. Copy `verify` into your handler; it needs nothing but Node itself.
//
// To check a request you recorded:  PREDICTU_SECRET=sk_live_... node verify.mjs headers.json body.json [unix time]

import { createHmac, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const TOLERANCE_S = 300;

// Throws unless Predictu sent this request, now. `headers` have lower-case names, as Node's own do;
// `body` is a Buffer with the raw body, before any parsing.
export function verify(headers, body, secret, now = Date.now() / 1000) {
  const id = headers["webhook-id"] ?? "";
  const timestamp = headers["webhook-timestamp"] ?? "";
  if (!/^[0-9]+$/.test(timestamp)) throw new Error("no timestamp");
  if (Math.abs(now - Number(timestamp)) > TOLERANCE_S) throw new Error("sent too long ago, or a clock is wrong");
  const expected = "v1," + createHmac("sha256", secret).update(`${id}.${timestamp}.`).update(body).digest("base64");
  // While keys are rotated there are two signatures; one made with your key is enough.
  const signatures = (headers["webhook-signature"] ?? "").split(" ");
  if (!signatures.some((signature) => equal(expected, signature))) throw new Error("wrong signature");
}

// The same over the body alone. It cannot tell a request from a recording of it: prefer `verify`.
export function verifyBody(headers, body, secret) {
  const expected = "sha256=" + createHmac("sha256", secret).update(body).digest("hex");
  const signatures = [headers["x-predictu-signature"] ?? "", headers["x-predictu-signature-next"] ?? ""];
  if (!signatures.some((signature) => equal(expected, signature))) throw new Error("wrong signature");
}

function equal(one, other) {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const [headersFile, bodyFile, now] = process.argv.slice(2);
  const headers = Object.fromEntries(
    Object.entries(JSON.parse(readFileSync(headersFile, "utf8"))).map(([name, value]) => [name.toLowerCase(), value]),
  );
  const body = readFileSync(bodyFile);
  try {
    verify(headers, body, process.env.PREDICTU_SECRET, now === undefined ? undefined : Number(now));
    verifyBody(headers, body, process.env.PREDICTU_SECRET);
    console.log("genuine");
  } catch (error) {
    console.log(`refused: ${error.message}`);
    process.exitCode = 1;
  }
}
