/**
 * Marks a field as needed: an asterisk drawn by the style sheet, so that the label's text stays the plain name for
 * screen readers and tests, who are told by `aria-required`.
 */
export const required = (yes: boolean | undefined) =>
  yes ? { 'aria-required': true, labelProps: { 'data-required': true } } : {};
