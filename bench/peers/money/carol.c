// What one core can verify at most: NUT-12 (Carol) with hash_to_curve, by libsecp256k1's public interface, and nothing else;
// in as few passes over the curve as Turnpike.
// usage: carol FILE      each line of FILE: secret K C e s r, in hexadecimal; prints proofs a second
#include <openssl/sha.h>
#include <secp256k1.h>
#include <secp256k1_recovery.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { maxSecret = 512, maxProofs = 1 << 20 };

typedef struct {
  unsigned char secret[maxSecret], key[33], signature[33], e[32], s[32], r[32];
  size_t secretBytes;
} Proof;

static secp256k1_context *context;

static double now(void) {
  struct timespec moment;
  clock_gettime(CLOCK_MONOTONIC, &moment);
  return (double)moment.tv_sec + (double)moment.tv_nsec * 1e-9;
}

static int hashToCurve(const unsigned char *message, size_t count, secp256k1_pubkey *out) {
  unsigned char block[36], candidate[33] = {2};
  SHA256_CTX hash;
  SHA256_Init(&hash);
  SHA256_Update(&hash, "Secp256k1_HashToCurve_Cashu_", 28);
  SHA256_Update(&hash, message, count);
  SHA256_Final(block, &hash);
  for (unsigned counter = 0; counter < 65536; counter++) {
    for (int byte = 0; byte < 4; byte++) block[32 + byte] = (unsigned char)(counter >> (8 * byte));
    SHA256(block, sizeof block, candidate + 1);
    if (secp256k1_ec_pubkey_parse(context, out, candidate, sizeof candidate)) return 1;
  }
  return 0;
}

static int add(secp256k1_pubkey *out, const secp256k1_pubkey *a, const secp256k1_pubkey *b) {
  const secp256k1_pubkey *terms[2] = {a, b};
  return secp256k1_ec_pubkey_combine(context, out, terms, 2);
}

static void appendHex(const secp256k1_pubkey *point, char *out) {
  static const char digits[] = "0123456789abcdef";
  unsigned char bytes[65];
  size_t count = sizeof bytes;
  secp256k1_ec_pubkey_serialize(context, bytes, &count, point, SECP256K1_EC_UNCOMPRESSED);
  for (size_t i = 0; i < count; i++) {
    out[2 * i] = digits[bytes[i] >> 4];
    out[2 * i + 1] = digits[bytes[i] & 15];
  }
}

/// a·point + b·G in one pass, as ECDSA's recovery makes it: see Curve+ECDSA.swift.
static int sum(secp256k1_pubkey *out, const secp256k1_pubkey *point, const unsigned char *a, const unsigned char *b) {
  unsigned char text[33], digest[32];
  unsigned char compact[64];
  size_t count = sizeof text;
  secp256k1_ecdsa_recoverable_signature signature;
  secp256k1_ec_pubkey_serialize(context, text, &count, point, SECP256K1_EC_COMPRESSED);
  memcpy(compact, text + 1, 32);
  memcpy(compact + 32, a, 32);
  memcpy(digest, b, 32);
  return secp256k1_ec_seckey_tweak_mul(context, compact + 32, text + 1) &&
         secp256k1_ec_seckey_tweak_mul(context, digest, text + 1) && secp256k1_ec_seckey_negate(context, digest) &&
         secp256k1_ecdsa_recoverable_signature_parse_compact(context, &signature, compact, text[0] & 1) &&
         secp256k1_ecdsa_recover(context, out, &signature, digest);
}

static int isValid(const Proof *proof) {
  secp256k1_pubkey Y, A, C, rA, C_, R1, R2, sB, eC;
  unsigned char minusE[32], sr[32], digest[32];
  char text[520];
  if (!secp256k1_ec_pubkey_parse(context, &A, proof->key, 33)) return 0;
  if (!secp256k1_ec_pubkey_parse(context, &C, proof->signature, 33)) return 0;
  if (!hashToCurve(proof->secret, proof->secretBytes, &Y)) return 0;
  rA = A;
  if (!secp256k1_ec_pubkey_tweak_mul(context, &rA, proof->r) || !add(&C_, &C, &rA)) return 0;
  memcpy(minusE, proof->e, 32);
  memcpy(sr, proof->s, 32);
  if (!secp256k1_ec_seckey_negate(context, minusE) || !secp256k1_ec_seckey_tweak_mul(context, sr, proof->r)) return 0;
  if (!sum(&R1, &A, minusE, proof->s) || !sum(&sB, &Y, proof->s, sr)) return 0;
  eC = C_;
  if (!secp256k1_ec_pubkey_tweak_mul(context, &eC, minusE) || !add(&R2, &sB, &eC)) return 0;
  appendHex(&R1, text);
  appendHex(&R2, text + 130);
  appendHex(&A, text + 260);
  appendHex(&C_, text + 390);
  SHA256((unsigned char *)text, sizeof text, digest);
  return memcmp(digest, proof->e, 32) == 0;
}

static size_t readHex(const char *text, unsigned char *out, size_t limit) {
  size_t count = strlen(text) / 2;
  if (count > limit) exit(2);
  for (size_t i = 0; i < count; i++) {
    unsigned value;
    if (sscanf(text + 2 * i, "%2x", &value) != 1) exit(2);
    out[i] = (unsigned char)value;
  }
  return count;
}

int main(int count, char **words) {
  if (count != 2) return 2;
  FILE *file = fopen(words[1], "r");
  if (!file) return 2;
  context = secp256k1_context_create(SECP256K1_CONTEXT_SIGN | SECP256K1_CONTEXT_VERIFY);
  Proof *proofs = calloc(maxProofs, sizeof *proofs);
  if (!proofs) return 2;
  char secret[2 * maxSecret + 1], key[67], signature[67], e[65], s[65], r[65];
  int read = 0;
  while (read < maxProofs && fscanf(file, "%1024s %66s %66s %64s %64s %64s", secret, key, signature, e, s, r) == 6) {
    Proof *proof = &proofs[read++];
    proof->secretBytes = readHex(secret, proof->secret, maxSecret);
    readHex(key, proof->key, 33);
    readHex(signature, proof->signature, 33);
    readHex(e, proof->e, 32);
    readHex(s, proof->s, 32);
    readHex(r, proof->r, 32);
  }
  int rounds = 1 + 8000 / (read ? read : 1), valid = 0;
  double start = now();
  for (int round = 0; round < rounds; round++)
    for (int i = 0; i < read; i++) valid += isValid(&proofs[i]);
  double seconds = now() - start;
  if (read == 0 || valid != read * rounds) {
    fprintf(stderr, "%d of %d proofs are valid\n", valid, read * rounds);
    return 1;
  }
  printf("%.0f\n", valid / seconds);
  return 0;
}
