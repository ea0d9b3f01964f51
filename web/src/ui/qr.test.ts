import { describe, expect, it } from 'vitest';
import { encode, type Modules } from './qr';

/** Bits of format information as ISO/IEC 18004, table C.1 has them for level M, by mask. */
const FORMATS = [0x5412, 0x5125, 0x5e7c, 0x5b4b, 0x45f9, 0x40ce, 0x4f97, 0x4aa0];

const FLIPS: ((i: number, j: number) => boolean)[] = [
  (i, j) => (i + j) % 2 === 0,
  (i) => i % 2 === 0,
  (_, j) => j % 3 === 0,
  (i, j) => (i + j) % 3 === 0,
  (i, j) => (Math.trunc(i / 2) + Math.trunc(j / 3)) % 2 === 0,
  (i, j) => ((i * j) % 2) + ((i * j) % 3) === 0,
  (i, j) => (((i * j) % 2) + ((i * j) % 3)) % 2 === 0,
  (i, j) => (((i * j) % 3) + ((i + j) % 2)) % 2 === 0,
];

/** Blocks of level M: data codewords, error correction codewords. */
const BLOCKS: Record<number, [number[], number]> = {
  1: [[16], 10],
  2: [[28], 16],
  3: [[44], 26],
  4: [[32, 32], 18],
  5: [[43, 43], 24],
  6: [[27, 27, 27, 27], 16],
  7: [[31, 31, 31, 31], 18],
  8: [[38, 38, 39, 39], 22],
  9: [[36, 36, 36, 37, 37], 22],
  10: [[43, 43, 43, 43, 44], 26],
};
const CENTRES: Record<number, number[]> = {
  2: [6, 18],
  3: [6, 22],
  4: [6, 26],
  5: [6, 30],
  6: [6, 34],
  7: [6, 22, 38],
  8: [6, 24, 42],
  9: [6, 26, 46],
  10: [6, 28, 50],
};

/** Whether a module belongs to a pattern, by the places that the standard gives. */
function reserved(version: number, size: number, i: number, j: number): boolean {
  if (i === 6 || j === 6) return true;
  if ((i < 9 && j < 9) || (i < 9 && j >= size - 8) || (i >= size - 8 && j < 9)) return true;
  if (version >= 7 && ((i < 6 && j >= size - 11) || (j < 6 && i >= size - 11))) return true;
  const centres = CENTRES[version] ?? [];
  const far = size - 7;
  return centres.some((ci) =>
    centres.some((cj) => {
      const corner = (ci === 6 && cj === 6) || (ci === 6 && cj === far) || (ci === far && cj === 6);
      return !corner && Math.abs(i - ci) <= 2 && Math.abs(j - cj) <= 2;
    }),
  );
}

const EXP: number[] = [];
const LOG: number[] = [];
for (let power = 0, value = 1; power < 255; power += 1) {
  EXP[power] = value;
  LOG[value] = power;
  value = value * 2 >= 256 ? (value * 2) ^ 0x11d : value * 2;
}

/** Reads a code without any error, the way a reader does; throws when something is not as it should be. */
function read(modules: Modules): string {
  const size = modules.length;
  const version = (size - 17) / 4;
  const at = (i: number, j: number) => (modules[i]?.[j] ? 1 : 0);
  // Beside the upper left corner, from the highest bit on: along the row, then up the column.
  const places: [number, number][] = [
    ...[0, 1, 2, 3, 4, 5, 7, 8].map((j): [number, number] => [8, j]),
    ...[7, 5, 4, 3, 2, 1, 0].map((i): [number, number] => [i, 8]),
  ];
  const format = places.reduce((bits, [i, j]) => bits * 2 + at(i, j), 0);
  const second: [number, number][] = [
    ...[1, 2, 3, 4, 5, 6, 7].map((k): [number, number] => [size - k, 8]),
    ...[8, 7, 6, 5, 4, 3, 2, 1].map((k): [number, number] => [8, size - k]),
  ];
  expect(second.reduce((bits, [i, j]) => bits * 2 + at(i, j), 0)).toBe(format);
  const mask = FORMATS.indexOf(format);
  expect(mask, `format ${format.toString(16)}`).toBeGreaterThanOrEqual(0);
  expect(at(size - 8, 8)).toBe(1);

  const bits: number[] = [];
  let upwards = true;
  for (let j = size - 1; j > 0; j -= j === 8 ? 3 : 2) {
    for (let k = 0; k < size; k += 1) {
      const i = upwards ? size - 1 - k : k;
      for (const column of [j, j - 1]) {
        if (!reserved(version, size, i, column)) bits.push(at(i, column) ^ Number(FLIPS[mask]?.(i, column)));
      }
    }
    upwards = !upwards;
  }
  const words = Array.from({ length: Math.floor(bits.length / 8) }, (_, k) =>
    Number.parseInt(bits.slice(8 * k, 8 * k + 8).join(''), 2),
  );
  const [sizes, ec] = BLOCKS[version] ?? [[], 0];
  const blocks: number[][] = sizes.map(() => []);
  let next = 0;
  for (let k = 0; k < Math.max(...sizes); k += 1) {
    sizes.forEach((length, block) => k < length && blocks[block]?.push(words[next++] ?? 0));
  }
  const data = blocks.flat();
  for (let k = 0; k < ec; k += 1) for (const block of blocks) block.push(words[next++] ?? 0);
  expect(next).toBe(words.length);
  for (const block of blocks) {
    // A block without errors is a multiple of the generator: zero at all its roots.
    for (let root = 0; root < ec; root += 1) {
      const value = block.reduce((sum, word) => (sum === 0 ? 0 : (EXP[((LOG[sum] ?? 0) + root) % 255] ?? 0)) ^ word, 0);
      expect(value).toBe(0);
    }
  }
  const text = data.map((word) => word.toString(2).padStart(8, '0')).join('');
  expect(text.slice(0, 4)).toBe('0100');
  const counter = version < 10 ? 8 : 16;
  const length = Number.parseInt(text.slice(4, 4 + counter), 2);
  const start = 4 + counter;
  const bytes = Array.from({ length }, (_, k) => Number.parseInt(text.slice(start + 8 * k, start + 8 * k + 8), 2));
  return new TextDecoder().decode(new Uint8Array(bytes));
}

describe('a code', () => {
  it.each([1, 14, 15, 26, 42, 62, 84, 106, 122, 152, 180, 213])('of %d bytes can be read', (length) => {
    const text = Array.from({ length }, (_, k) => String.fromCharCode(33 + ((k * 7) % 90))).join('');
    const modules = encode(text);
    expect(modules && read(modules)).toBe(text);
  });

  it('of an address for an authenticator app can be read', () => {
    const text = 'otpauth://totp/Xylem:h%C3%A9l%C3%A8ne?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Xylem';
    const modules = encode(text);
    expect(modules?.length).toBe(41);
    expect(modules && read(modules)).toBe(text);
  });

  it('is not made of what is too long', () => expect(encode('x'.repeat(214))).toBeUndefined());

  it('has its version written down', () => {
    // ISO/IEC 18004, table D.1: version 7 is 000111110010010100.
    const modules = encode('x'.repeat(110));
    expect(modules?.length).toBe(45);
    const bits = Array.from({ length: 18 }, (_, bit) => (modules?.[Math.floor(bit / 3)]?.[34 + (bit % 3)] ? 1 : 0));
    expect(bits.toReversed().join('')).toBe('000111110010010100');
  });
});
