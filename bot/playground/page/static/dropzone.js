// Files dragged over an element: it says so, and hands them over when they are dropped.

/** `take(files)` gets what was dropped. */
export function acceptDrops(element, take) {
  const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
  element.addEventListener("dragover", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    element.classList.add("dropping");
  });
  element.addEventListener("dragleave", (event) => {
    if (!element.contains(event.relatedTarget)) element.classList.remove("dropping");
  });
  element.addEventListener("drop", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    element.classList.remove("dropping");
    take(event.dataTransfer.files);
  });
}
