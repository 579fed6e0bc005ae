"use strict";
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const controls = ["search", "task", "protocol", "family", "status"].map((id) => document.getElementById(id));

  // What belongs to a row: the row itself and, where it has one, the detail below it.
  const group = (row) => [row, row.nextElementSibling].filter((r) => r && (r === row || r.classList.contains("detail")));
  const valueOf = (row, column) => {
    const cell = row.children[column];
    const text = cell.dataset.v ?? cell.textContent.trim();
    const number = cell.dataset.v !== undefined || cell.classList.contains("n") ? parseFloat(text) : NaN;
    return isNaN(number) ? text.toLowerCase() : number;
  };

  const sort = (heading, column) => {
    const body = heading.closest("table").tBodies[0];
    const wasDescending = heading.getAttribute("aria-sort") === "descending";
    const first = !heading.hasAttribute("aria-sort") && heading.classList.contains("n");
    const descending = first || (heading.hasAttribute("aria-sort") && !wasDescending);
    const rows = all(":scope > tr.row", body).map((row, place) => ({ place, key: valueOf(row, column), parts: group(row) }));
    rows.sort((a, b) => {
      if (a.key === "" || b.key === "") return (a.key === "") - (b.key === "") || a.place - b.place;
      const order = typeof a.key === typeof b.key ? (a.key < b.key ? -1 : a.key > b.key ? 1 : 0) : typeof a.key === "number" ? -1 : 1;
      return (descending ? -order : order) || a.place - b.place;
    });
    all("th[aria-sort]", heading.parentElement).forEach((other) => other.removeAttribute("aria-sort"));
    heading.setAttribute("aria-sort", descending ? "descending" : "ascending");
    body.append(...rows.flatMap((row) => row.parts));
  };

  all("table.sortable").forEach((table) => {
    all(":scope > thead th", table).forEach((heading, column) => {
      if ("nosort" in heading.dataset) return;
      const button = document.createElement("button");
      button.type = "button";
      button.append(...heading.childNodes);
      button.addEventListener("click", () => sort(heading, column));
      heading.append(button);
    });
  });

  // Figures by class lie in the page as numbers; a row's table is made when it is first opened.
  const figures = JSON.parse(document.getElementById("classes").textContent);
  const make = (name, attributes = {}, ...children) => {
    const made = document.createElement(name);
    Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
    made.append(...children);
    return made;
  };
  const bar = (value, low, high) => {
    const at = (thousandths) => (4 + 0.112 * thousandths).toFixed(1);
    const shape = (name, attributes) => {
      const made = document.createElementNS("http://www.w3.org/2000/svg", name);
      Object.entries(attributes).forEach(([key, v]) => made.setAttribute(key, v));
      return made;
    };
    const picture = shape("svg", { class: "bar", viewBox: "0 0 120 16", width: 120, height: 16, "aria-hidden": "true" });
    if (value === null) return picture;
    picture.append(shape("line", { class: "rule", x1: 4, y1: 8, x2: 116, y2: 8 }));
    if (low !== null) picture.append(shape("line", { class: "interval", x1: at(low), y1: 8, x2: at(high), y2: 8 }));
    picture.append(shape("circle", { class: "dot", cx: at(value), cy: 8, r: 3.5 }));
    return picture;
  };
  const said = (thousandths) => (thousandths === null ? "undefined" : (thousandths / 1000).toFixed(3));
  const byClass = (method, classes, rows) => {
    const heading = (text, number) => make("th", { scope: "col", ...(number && { class: "n" }) }, text);
    const number = (text) => make("td", { class: "n" }, text);
    const lines = rows.map(([auroc, low, high, auprc, f1], k) =>
      make("tr", {}, make("th", { scope: "row" }, classes[k][0]), number(classes[k][1]), number(said(auroc)),
        make("td", {}, bar(auroc, low, high)), number(said(auprc)), number(said(f1))));
    return make("table", { class: "classes" }, make("caption", {}, `${method} by class`),
      make("thead", {}, make("tr", {}, heading("Class"), heading("Positives", true), heading("AUROC", true),
        heading("95 % interval"), heading("AUPRC", true), heading("F1", true))),
      make("tbody", {}, ...lines));
  };

  const open = (button, shown) => {
    const detail = document.getElementById(button.getAttribute("aria-controls"));
    const { classes = [], rows = {} } = figures[button.closest("table").id] ?? {};
    if (shown && rows[detail.id] && !detail.querySelector("table"))
      detail.firstElementChild.append(byClass(button.textContent, classes, rows[detail.id]));
    button.setAttribute("aria-expanded", String(shown));
    detail.hidden = !shown;
  };
  all("button.more").forEach((button) =>
    button.addEventListener("click", () => open(button, button.getAttribute("aria-expanded") !== "true")));

  const filter = () => {
    const [search, task, protocol, family, status] = controls.map((control) => control.value.trim().toLowerCase());
    const words = search.split(/\s+/).filter(Boolean);
    const is = (wanted, found) => !wanted || found === undefined || found.toLowerCase() === wanted;
    const classes = (row) => row.closest("table").dataset.classes ?? "";
    let shown = 0, total = 0;
    all("section.block").forEach((section) => {
      const fits = is(task, section.dataset.task) && is(protocol, section.dataset.protocol);
      let here = 0;
      all("tr.row", section).forEach((row) => {
        const visible = fits && is(family, row.dataset.family) && is(status, row.dataset.status)
          && words.every((word) => row.dataset.text.includes(word) || classes(row).includes(word));
        row.hidden = !visible;
        const button = row.querySelector("button.more");
        if (button) document.getElementById(button.getAttribute("aria-controls")).hidden = !visible || button.getAttribute("aria-expanded") !== "true";
        total += 1; here += visible;
      });
      shown += here;
      section.hidden = !fits || (here === 0 && section.querySelector("tr.row") !== null);
    });
    document.getElementById("count").textContent = `${shown} of ${total} rows`;
  };
  controls.forEach((control) => control.addEventListener("input", filter));
  document.querySelector("form.controls").addEventListener("submit", (event) => event.preventDefault());
  filter();
})();
