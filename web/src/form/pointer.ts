// JSON pointers (RFC 6901): where in a value something is.

const unescape = (part: string): string => part.replaceAll('~1', '/').replaceAll('~0', '~');

/** Returns the parts of a pointer, with or without the first slash. */
export const pathOf = (pointer: string): string[] => pointer.split('/').filter(Boolean).map(unescape);

export function valueAt(root: unknown, path: readonly string[]): unknown {
  let value = root;
  for (const part of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<string, unknown>)[part];
  }
  return value;
}
