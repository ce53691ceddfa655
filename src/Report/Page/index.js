// Sorts and filters the table of runs.
"use strict";
(() => {
  const body = document.querySelector("#runs tbody");
  const rows = [...body.rows];
  const find = document.getElementById("find");
  const show = document.getElementById("show");
  const shown = document.getElementById("shown");

  function filter() {
    const words = find.value.toLowerCase().split(/\s+/).filter(word => word.length > 0);
    for (const row of rows) {
      const text = row.cells[1].textContent.toLowerCase();
      row.hidden = !words.every(word => text.includes(word)) || (show.value !== "" && row.dataset.state !== show.value);
    }
    const count = rows.filter(row => !row.hidden).length;
    shown.textContent = count === rows.length ? "" : `${count} of ${rows.length} shown`;
  }

  function sort(button) {
    const head = button.closest("th");
    const descending = head.getAttribute("aria-sort") === "ascending";
    for (const other of document.querySelectorAll("#runs th[aria-sort]"))
      other.setAttribute("aria-sort", "none");
    head.setAttribute("aria-sort", descending ? "descending" : "ascending");
    const key = button.dataset.sort;
    const numeric = key === "claims" || key === "seconds";
    const compare = (a, b) => numeric ? Number(a) - Number(b) : a < b ? -1 : a > b ? 1 : 0;
    rows.sort((a, b) => (descending ? -1 : 1) * compare(a.dataset[key], b.dataset[key]));
    body.append(...rows);
  }

  find.addEventListener("input", filter);
  show.addEventListener("change", filter);
  for (const button of document.querySelectorAll("#runs button"))
    button.addEventListener("click", () => sort(button));
})();
