
"use strict";
// The page is whole without this: it adds sorting, and the choice of scale and metric.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      table.classList.add("sorted");
      const key = (row) => {
        const value = Number.parseFloat(row.cells[column]?.dataset.value ?? "");
        return Number.isNaN(value) ? null : value;
      };
      const text = (row) => row.cells[column]?.textContent ?? "";
      const compare = (a, b) => {
        const [x, y] = [key(a), key(b)];
        if (x !== null && y !== null) return down ? y - x : x - y;
        // What was not measured comes last, whichever way.
        if (x !== null || y !== null) return x === null ? 1 : -1;
        return down ? text(b).localeCompare(text(a)) : text(a).localeCompare(text(b));
      };
      body.append(...[...body.rows].sort(compare));
    });
  });
}
const choices = document.querySelector(".choices");
const chosen = (name) => choices.querySelector(`input[name="${name}"]:checked`)?.value;
const show = () => {
  for (const section of document.querySelectorAll("[data-scale]"))
    section.hidden = chosen("scale") !== undefined && section.dataset.scale !== chosen("scale");
  for (const section of document.querySelectorAll("[data-metric]"))
    section.hidden = chosen("metric") !== "all" && section.dataset.metric !== chosen("metric");
};
choices.hidden = false;
choices.addEventListener("change", show);
show();
