// Small helpers for making elements.

export const percent = (fraction) => `${fraction * 100}%`;

/** An element with properties (or attributes, where no such property exists) and children. */
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

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("aria-hidden", "true");
  svg.append(document.createElementNS(svg.namespaceURI, "use"));
  svg.firstChild.setAttribute("href", `${ICONS}#${name}`);
  return svg;
}

/** A button that is an icon with a name: the tooltip and what a screen reader says. */
export function button(name, label, onclick, extra = {}) {
  return element("button", { type: "button", title: label, ariaLabel: label, onclick, className: "deig-button", ...extra }, icon(name));
}
