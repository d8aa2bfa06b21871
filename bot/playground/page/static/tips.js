// One tooltip for the whole page: whatever has `data-tip` shows it on hover and on keyboard focus, with `data-tap` also
// when it is tapped. What appears under a pointer that rests after a click shows none until the pointer moves.

const MARGIN = 8; // pixels to the edge of the window
const MOVED = 4; // pixels from where it clicked until a pointer has moved

export function listenForTips() {
  const tip = document.getElementById("tip");
  let shownFor = null;
  let clicked = null; // {x, y, element}: where the pointer has been resting since its last click

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

  const movedAway = ({ clientX, clientY }) => Math.hypot(clientX - clicked.x, clientY - clicked.y) >= MOVED;

  document.addEventListener("pointerover", (event) => {
    const element = event.target.closest?.("[data-tip]");
    if (clicked && !movedAway(event)) return;
    if (element) show(element);
    else hide();
  });
  document.addEventListener("pointermove", (event) => {
    if (!clicked || !movedAway(event)) return;
    const element = event.target.closest?.("[data-tip]");
    if (element !== clicked.element) show(element);
    clicked = null;
  });
  document.addEventListener("focusin", (event) => {
    const element = event.target.closest("[data-tip]");
    if (element?.matches(":focus-visible")) show(element);
  });
  document.addEventListener("focusout", hide);
  document.addEventListener("pointerdown", (event) => {
    hide();
    clicked = { x: event.clientX, y: event.clientY, element: event.target.closest?.("[data-tip]") };
  });
  document.addEventListener("click", (event) => show(event.target.closest?.("[data-tap]")));
  document.addEventListener("scroll", hide, { capture: true, passive: true });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
}
