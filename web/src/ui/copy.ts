/** Puts a text on the clipboard; also on pages without TLS, where browsers have no clipboard interface. */
export async function copyText(text: string): Promise<void> {
  if (isSecureContext) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const box = document.createElement('textarea');
  box.value = text;
  // In a dialog: outside of it the focus would be taken back at once.
  (document.querySelector('[role=dialog]') ?? document.body).append(box);
  box.select();
  // oxlint-disable-next-line typescript/no-deprecated
  const done = document.execCommand('copy');
  box.remove();
  if (!done) throw new Error('not copied');
}
