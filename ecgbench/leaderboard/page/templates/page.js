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

  const open = (button, shown) => {
    button.setAttribute("aria-expanded", String(shown));
    document.getElementById(button.getAttribute("aria-controls")).hidden = !shown;
  };
  all("button.more").forEach((button) =>
    button.addEventListener("click", () => open(button, button.getAttribute("aria-expanded") !== "true")));

  const filter = () => {
    const [search, task, protocol, family, status] = controls.map((control) => control.value.trim().toLowerCase());
    const words = search.split(/\s+/).filter(Boolean);
    const is = (wanted, found) => !wanted || found === undefined || found.toLowerCase() === wanted;
    let shown = 0, total = 0;
    all("section.block").forEach((section) => {
      const fits = is(task, section.dataset.task) && is(protocol, section.dataset.protocol);
      let here = 0;
      all("tr.row", section).forEach((row) => {
        const visible = fits && is(family, row.dataset.family) && is(status, row.dataset.status)
          && words.every((word) => row.dataset.text.includes(word));
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
