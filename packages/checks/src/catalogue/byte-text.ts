const kibibyte = 1024;
const mebibyte = 1024 * kibibyte;

/** `12.3 MiB` or, below one, `480 KiB`: for people; evidence has the bytes. */
export function byteText(bytes: number): string {
  return bytes < mebibyte ? `${Math.round(bytes / kibibyte)} KiB` : `${Math.round((10 * bytes) / mebibyte) / 10} MiB`;
}
