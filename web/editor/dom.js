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

// Drawn on a 16 x 16 grid, stroke only.
const ICONS = {
  draw: "M2 5V2h3M11 2h3v3M14 11v3h-3M5 14H2v-3M8 5v6M5 8h6",
  select: "M4 2l9 5.5-4 1L7 13z",
  add: "M8 3v10M3 8h10",
  undo: "M6 3L3 6l3 3M3 6h6a4 4 0 010 8H6",
  redo: "M10 3l3 3-3 3M13 6H7a4 4 0 000 8h3",
  magnet: "M3 2v6a5 5 0 0010 0V2h-3v6a2 2 0 01-4 0V2zM3 5h3M10 5h3",
  arrange: "M2 2v12M5 4h8v3H5zM5 9h5v3H5z",
  picture: "M2 3h12v10H2zM2 11l4-4 3 3 2-2 3 3M10.5 6h.1",
  transfer: "M5 2v9M2 8l3 3 3-3M11 14V5M8 8l3-3 3 3",
  full: "M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4",
  small: "M6 2v4H2M14 6h-4V2M10 14v-4h4M2 10h4v4",
  seen: "M1 8c3-5 11-5 14 0-3 5-11 5-14 0zM8 6a2 2 0 100 4 2 2 0 000-4",
  unseen: "M1 8c3-5 11-5 14 0-3 5-11 5-14 0zM2 14L14 2",
  locked: "M3 7h10v7H3zM5 7V5a3 3 0 016 0v2",
  unlocked: "M3 7h10v7H3zM5 7V4a3 3 0 015-2",
  copy: "M6 6h8v8H6zM10 6V2H2v8h4",
  remove: "M2 4h12M6 4V2h4v2M4 4l1 10h6l1-10M7 7v4M9 7v4",
  up: "M8 13V3M4 7l4-4 4 4",
  down: "M8 3v10M4 9l4 4 4-4",
  swap: "M2 5h11M10 2l3 3-3 3M14 11H3M6 8l-3 3 3 3",
  left: "M2 1v14M5 4h9v3H5zM5 9h5v3H5z",
  center: "M8 1v3M8 7v2M8 12v3M2 4h12v3H2zM4 9h8v3H4z",
  right: "M14 1v14M2 4h9v3H2zM6 9h5v3H6z",
  top: "M1 2h14M4 5v9h3V5zM9 5v5h3V5z",
  middle: "M1 8h3M7 8h2M12 8h3M4 2v12h3V2zM9 4v8h3V4z",
  bottom: "M1 14h14M4 2v9h3V2zM9 6v5h3V6z",
  across: "M2 1v14M14 1v14M6 4h4v8H6z",
  down2: "M1 2h14M1 14h14M4 6v4h8V6z",
};

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  svg.append(document.createElementNS(svg.namespaceURI, "path"));
  svg.firstChild.setAttribute("d", ICONS[name]);
  return svg;
}

/** A button that is an icon with a name: the tooltip and what a screen reader says. */
export function button(name, label, onclick, extra = {}) {
  return element("button", { type: "button", title: label, ariaLabel: label, onclick, className: "deig-button", ...extra }, icon(name));
}
