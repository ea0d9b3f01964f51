// One-time passwords by the clock (RFC 6238): a new secret, its address for authenticator apps, and its codes, so that a
// secret counts only once the app has shown that it knows it. Own hashing, because browsers have none on pages without TLS.
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

const STEP = 30_000;

/** Twenty bytes, as the RFC recommends, in Base32. */
export function newSecret(random = crypto.getRandomValues(new Uint8Array(20))): string {
  const bits = [...random].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return (bits.match(/.{5}/g) ?? []).map((five) => ALPHABET[Number.parseInt(five, 2)]).join('');
}

function bytesOf(secret: string): Uint8Array {
  const bits = Array.from(secret, (letter) => ALPHABET.indexOf(letter).toString(2).padStart(5, '0')).join('');
  return Uint8Array.from(bits.match(/.{8}/g) ?? [], (eight) => Number.parseInt(eight, 2));
}

/** Longer names would make the picture too fine. */
const MOST_NAME = 60;

/** What an authenticator app reads from the picture. */
export function addressOf(secret: string, name: string): string {
  const label = encodeURIComponent(Array.from(name).slice(0, MOST_NAME).join(''));
  return `otpauth://totp/Xylem:${label}?secret=${secret}&issuer=Xylem`;
}

/** In fours, for people who type it. */
export const spaced = (secret: string): string => (secret.match(/.{1,4}/g) ?? []).join(' ');

const rotate = (word: number, bits: number): number => (word << bits) | (word >>> (32 - bits));

function sha1(message: Uint8Array): Uint8Array {
  const padded = new Uint8Array(Math.ceil((message.length + 9) / 64) * 64);
  padded.set(message);
  padded[message.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 4, message.length * 8);
  const state = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0];
  const words = new Uint32Array(80);
  for (let block = 0; block < padded.length; block += 64) {
    for (let at = 0; at < 16; at += 1) words[at] = view.getUint32(block + 4 * at);
    for (let at = 16; at < 80; at += 1) {
      const mixed = (words[at - 3] ?? 0) ^ (words[at - 8] ?? 0) ^ (words[at - 14] ?? 0) ^ (words[at - 16] ?? 0);
      words[at] = rotate(mixed, 1);
    }
    let [a = 0, b = 0, c = 0, d = 0, e = 0] = state;
    for (let round = 0; round < 80; round += 1) {
      let [mixed, constant] = [b ^ c ^ d, round < 40 ? 0x6ed9eba1 : 0xca62c1d6];
      if (round < 20) [mixed, constant] = [(b & c) | (~b & d), 0x5a827999];
      else if (round >= 40 && round < 60) [mixed, constant] = [(b & c) | (b & d) | (c & d), 0x8f1bbcdc];
      const next = (rotate(a, 5) + mixed + e + constant + (words[round] ?? 0)) | 0;
      [a, b, c, d, e] = [next, a, rotate(b, 30), c, d];
    }
    [a, b, c, d, e].forEach((value, index) => (state[index] = ((state[index] ?? 0) + value) | 0));
  }
  const digest = new DataView(new ArrayBuffer(20));
  state.forEach((value, index) => digest.setInt32(4 * index, value));
  return new Uint8Array(digest.buffer);
}

function hmac(key: Uint8Array, message: Uint8Array): Uint8Array {
  const block = new Uint8Array(64);
  block.set(key.length > 64 ? sha1(key) : key);
  const mixed = (pad: number, rest: Uint8Array) => sha1(new Uint8Array([...block.map((byte) => byte ^ pad), ...rest]));
  return mixed(0x5c, mixed(0x36, message));
}

/** The six digits of a secret at a time in milliseconds. */
export function codeAt(secret: string, time: number): string {
  const counter = new DataView(new ArrayBuffer(8));
  counter.setBigUint64(0, BigInt(Math.floor(time / STEP)));
  const digest = new DataView(hmac(bytesOf(secret), new Uint8Array(counter.buffer)).buffer);
  const offset = digest.getUint8(19) & 15;
  return String((digest.getUint32(offset) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

/** Whether a code is the one of now, or of the half minute before or after: clocks differ. */
export const isCode = (secret: string, code: string, now: number): boolean =>
  [-STEP, 0, STEP].some((shift) => codeAt(secret, now + shift) === code.replaceAll(/\s/g, ''));
