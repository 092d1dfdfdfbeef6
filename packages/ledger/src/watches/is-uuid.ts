/** Whether a text is a UUID as the ledger writes it: any other names no row, and would be refused as a parameter. */
export function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text);
}
