// Widgets that a subgraph shows on its own node.

/**
 * Show a promoted widget of `type` on its subgraph's own node: show(node, name, value) makes the widget, value.value is
 * what the subgraph keeps. From frontend 1.58 on a pack's widget would be an empty place there; before, the page shows
 * the inner widget itself.
 */
export function showPromoted(node, type, show) {
  const usual = node.createPromotedHostWidget;
  if (!usual) return;
  node.createPromotedHostWidget = function (input, id, source) {
    if (source.type !== type) return usual.call(this, input, id, source);
    if (this.graph?.getNodeById(this.id) !== this) return undefined;
    return show(this, input.name, this._projectPromotedWidget(input));
  };
}

/** A widget with an element that the page shows for `node`, without being one of the node's own. */
export function makeElementWidget(node, name, type, element, options) {
  const { DOMWidgetImpl, addWidget } = globalThis.comfyAPI.domWidget;
  const widget = new DOMWidgetImpl({ node, name, type, element, options });
  addWidget({ graph: node.graph, addCustomWidget() {} }, widget);
  return widget;
}
