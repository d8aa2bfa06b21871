// A form that the app opens for somebody. The native dialog brings Escape, the focus trap and the way back.

import { el, icon } from "./dom.js";

/** Ask for the fields of `form`; `send(values)` rejects with a sentence that is then shown. */
export function openForm(form, send) {
  const dialog = document.getElementById("form");
  const problem = el("p", { class: "form-problem", role: "alert", hidden: true });
  const inputs = form.fields.map((field) => [field, input(field)]);
  const submit = el("button", { class: "button primary", testid: "form-submit" }, form.submit);
  const onsubmit = async (event) => {
    event.preventDefault();
    submit.disabled = true;
    problem.hidden = true;
    try {
      await send(Object.fromEntries(inputs.map(([field, made]) => [field.id, made.value])));
      dialog.close();
    } catch (error) {
      problem.textContent = error.message;
      problem.hidden = false;
    } finally {
      submit.disabled = false;
    }
  };
  const close = () => dialog.close();
  dialog.setAttribute("aria-label", form.title);
  dialog.replaceChildren(
    el(
      "form", { class: "app-form", testid: "form", onsubmit },
      el("header", {}, el("b", {}, form.title), el("button", { type: "button", class: "tool", "aria-label": "Close", onclick: close }, icon("close"))),
      ...inputs.map(([field, made]) => el("label", {}, el("span", {}, field.required ? field.label : `${field.label} (optional)`), made)),
      problem,
      el("footer", {}, el("button", { type: "button", class: "button", testid: "form-cancel", onclick: close }, "Cancel"), submit),
    ),
  );
  if (dialog.open) dialog.close();
  dialog.showModal();
  inputs[0]?.[1].focus();
}

function input(field) {
  const attributes = { testid: `form-field-${field.id}`, placeholder: field.placeholder || null, required: field.required, autocomplete: "off" };
  if (field.choices?.length) {
    const select = el("select", attributes, ...field.choices.map((choice) => el("option", { value: choice }, choice)));
    select.value = field.value;
    return select;
  }
  const made = field.multiline ? el("textarea", { rows: "4", ...attributes }) : el("input", { type: "text", ...attributes });
  made.value = field.value;
  return made;
}
