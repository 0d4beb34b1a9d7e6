// Small helpers for making elements.

/** @param {number} fraction */
export const percent = (fraction) => `${fraction * 100}%`;

/**
 * An element with properties (or attributes, where no such property exists) and children.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, any>} [properties]
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function element(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in node) node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

const ICONS = new URL("../icons.svg", import.meta.url);

/** @param {string} name */
export function icon(name) {
  const [svg, use] = ["svg", "use"].map((tag) => document.createElementNS("http://www.w3.org/2000/svg", tag));
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `${ICONS}#${name}`);
  svg.append(use);
  return svg;
}

/**
 * A button that is an icon with a label: the tooltip and what a screen reader says.
 * @param {string} name
 * @param {string} label
 * @param {() => void} onclick
 */
export function button(name, label, onclick) {
  const properties = { type: "button", title: label, ariaLabel: label, onclick, className: "deig-button" };
  return element("button", properties, icon(name));
}

/**
 * A broad button with a text.
 * @param {string} text
 * @param {() => void} [onclick]
 */
export function wideButton(text, onclick) {
  return element("button", { type: "button", className: "deig-wide", textContent: text, onclick });
}

/** Number fields with something typed that was not taken over yet. */
const typed = new WeakSet();

/**
 * Keep what is typed into the number fields in `root`: `write` leaves it there until it is taken over.
 * @param {HTMLElement} root
 */
export function keepTyping(root) {
  root.addEventListener("input", ({ target }) => {
    if (target instanceof HTMLInputElement && target.type === "number") typed.add(target);
  }, true);
  for (const over of ["change", "focusout"]) root.addEventListener(over, ({ target }) => typed.delete(target), true);
}

/**
 * Show a value in a field, unless another is being typed there: an answer or a picture's size comes at any time.
 * @param {HTMLInputElement | HTMLTextAreaElement} field
 * @param {string | number} value
 */
export function write(field, value) {
  if (!typed.has(field) && field.value !== String(value)) field.value = String(value);
}
