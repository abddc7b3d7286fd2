<?php
// Verify a Predictu callback. Copy `predictu_verify` into your handler; it needs nothing but PHP itself.
//
// In a handler: $body = file_get_contents('php://input'); $headers = array_change_key_case(getallheaders());
// To check a request you recorded:  PREDICTU_SECRET=sk_live_... php verify.php headers.json body.json [unix time]

declare(strict_types=1);

const PREDICTU_TOLERANCE_S = 300;

// Throws unless Predictu sent this request, now. $headers have lower-case names;
// $body is the raw body, before any parsing.
function predictu_verify(array $headers, string $body, string $secret, ?int $now = null): void
{
    $id = $headers['webhook-id'] ?? '';
    $timestamp = $headers['webhook-timestamp'] ?? '';
    if (!preg_match('/\A[0-9]+\z/', $timestamp)) {
        throw new UnexpectedValueException('no timestamp');
    }
    if (abs(($now ?? time()) - (int) $timestamp) > PREDICTU_TOLERANCE_S) {
        throw new UnexpectedValueException('sent too long ago, or a clock is wrong');
    }
    $expected = 'v1,' . base64_encode(hash_hmac('sha256', "$id.$timestamp.$body", $secret, true));
    // While keys are rotated there are two signatures; one made with your key is enough.
    foreach (explode(' ', $headers['webhook-signature'] ?? '') as $signature) {
        if (hash_equals($expected, $signature)) {
            return;
        }
    }
    throw new UnexpectedValueException('wrong signature');
}

// The same over the body alone. It cannot tell a request from a recording of it: prefer predictu_verify.
function predictu_verify_body(array $headers, string $body, string $secret): void
{
    $expected = 'sha256=' . hash_hmac('sha256', $body, $secret);
    foreach (['x-predictu-signature', 'x-predictu-signature-next'] as $name) {
        if (hash_equals($expected, $headers[$name] ?? '')) {
            return;
        }
    }
    throw new UnexpectedValueException('wrong signature');
}

if (PHP_SAPI === 'cli' && realpath($argv[0]) === __FILE__) {
    $headers = array_change_key_case(json_decode(file_get_contents($argv[1]), true, 512, JSON_THROW_ON_ERROR));
    $body = file_get_contents($argv[2]);
    $secret = getenv('PREDICTU_SECRET');
    try {
        predictu_verify($headers, $body, $secret, isset($argv[3]) ? (int) $argv[3] : null);
        predictu_verify_body($headers, $body, $secret);
        echo "genuine\n";
    } catch (UnexpectedValueException $error) {
        echo "refused: {$error->getMessage()}\n";
        exit(1);
    }
}
