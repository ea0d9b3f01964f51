/** Short passwords fall to guessing; length is the only rule that helps. */
export const MIN_PASSWORD = 8;
