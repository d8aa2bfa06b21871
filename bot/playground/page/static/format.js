// Times, sizes and counts as people read them.

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hour12: false });
const exact = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false,
});
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });

/** Unix seconds as hours and minutes. */
export const time = (seconds) => clock.format(seconds * 1000);

/** Unix seconds with seconds. */
export const exactTime = (seconds) => exact.format(seconds * 1000);

/** Unix seconds with the date. */
export const fullTime = (seconds) => full.format(seconds * 1000);

/** "1 reply", "2 replies". */
export const count = (number, one, many) => `${number} ${number === 1 ? one : many}`;

/** Bytes as B, kB or MB. */
export function size(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(bytes < 1e4 ? 1 : 0)} kB`;
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** The letters on a file card: its extension, at most four. */
export function extension(name) {
  const found = /\.([a-z0-9]{1,4})$/i.exec(name);
  return found ? found[1].toUpperCase() : "FILE";
}
