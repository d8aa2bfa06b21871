// One tooltip for the whole page: whatever has `data-tip` shows it on hover and on keyboard focus.

const MARGIN = 8; // pixels to the edge of the window

export function listenForTips() {
  const tip = document.getElementById("tip");
  let shownFor = null;

  const show = (element) => {
    if (!element || element === shownFor) return;
    shownFor = element;
    tip.textContent = element.dataset.tip;
    tip.hidden = false;
    const around = element.getBoundingClientRect();
    const own = tip.getBoundingClientRect();
    const left = around.left + around.width / 2 - own.width / 2;
    tip.style.left = `${Math.max(MARGIN, Math.min(left, innerWidth - own.width - MARGIN))}px`;
    const above = around.top - own.height - 6;
    tip.style.top = `${above > MARGIN ? above : around.bottom + 6}px`;
  };
  const hide = () => {
    shownFor = null;
    tip.hidden = true;
  };

  document.addEventListener("pointerover", (event) => {
    const element = event.target.closest?.("[data-tip]");
    if (element) show(element);
    else hide();
  });
  document.addEventListener("focusin", (event) => {
    const element = event.target.closest("[data-tip]");
    if (element?.matches(":focus-visible")) show(element);
  });
  document.addEventListener("focusout", hide);
  document.addEventListener("pointerdown", hide);
  document.addEventListener("scroll", hide, { capture: true, passive: true });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
}
