// From drops, pastes and pickers to files with their paths, in natural order.

const order = new Intl.Collator("en", { numeric: true });

/** One file with the path that its rows name: { file, path }. */
export const named = (file) => ({ file, path: file.webkitRelativePath || file.name });

/** Divide files into pictures and others; hidden files are neither. `suffixes`: of contract.json. */
export function sorted(files, suffixes) {
  const isPicture = ({ file, path }) =>
    file.type.startsWith("image/") || suffixes.some((suffix) => path.toLowerCase().endsWith(suffix));
  const shown = files.filter(({ path }) => !path.split("/").some((part) => part.startsWith(".")));
  shown.sort((a, b) => order.compare(a.path, b.path));
  return { pictures: shown.filter(isPicture), others: shown.filter((one) => !isPicture(one)).length };
}

/** The files of a drop or a paste, those in its folders included. */
export async function transferred(transfer) {
  // The transfer is empty as soon as this function waits for something.
  const items = [...transfer.items].filter((item) => item.kind === "file");
  const entries = items.map((item) => item.webkitGetAsEntry?.() ?? null);
  const files = [...transfer.files];
  if (!entries.some((entry) => entry?.isDirectory)) return files.map(named);
  const found = [];
  for (const entry of entries) if (entry) found.push(...(await below(entry)));
  return found;
}

async function below(entry) {
  if (entry.isFile) {
    const file = await new Promise((done, failed) => entry.file(done, failed));
    return [{ file, path: entry.fullPath.replace(/^\//, "") }];
  }
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    // A reader gives at most a hundred entries at once.
    const entries = await new Promise((done, failed) => reader.readEntries(done, failed));
    if (!entries.length) return found;
    for (const one of entries) found.push(...(await below(one)));
  }
}
