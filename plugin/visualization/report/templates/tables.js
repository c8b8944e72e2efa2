// Tables that sort by any column, and the choice of the evaluation that is shown.
(() => {
  'use strict';
  const status = document.getElementById('status');

  function order(rows, column, falling) {
    const value = (row) => {
      const text = row.cells[column].dataset.value;
      return text === undefined || text === '' || Number.isNaN(Number(text)) ? text : Number(text);
    };
    return rows.sort((one, other) => {
      const [a, b] = [value(one), value(other)];
      // what is not known comes last in both directions
      if (a === undefined || b === undefined) return (a === undefined) - (b === undefined);
      const sign = typeof a === 'number' && typeof b === 'number' ? a - b
        : String(a).localeCompare(String(b));
      return falling ? -sign : sign;
    });
  }

  for (const table of document.querySelectorAll('table.sorts')) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => head.querySelector('button').addEventListener('click', () => {
      const numbers = head.classList.contains('number');
      const now = head.getAttribute('aria-sort');
      // numbers begin with the largest, names with A
      const falling = now === 'none' ? numbers : now === 'ascending';
      heads.forEach((other) => other.setAttribute('aria-sort', 'none'));
      head.setAttribute('aria-sort', falling ? 'descending' : 'ascending');
      table.tBodies[0].append(...order([...table.tBodies[0].rows], column, falling));
      status.textContent = `sorted by ${head.textContent.trim()}, ${falling ? 'falling' : 'rising'}`;
    }));
  }

  const choice = document.getElementById('view');
  if (choice) {
    choice.addEventListener('change', () => {
      for (const view of document.querySelectorAll('.view')) {
        view.hidden = view.dataset.view !== choice.value;
      }
      document.dispatchEvent(new CustomEvent('view', { detail: Number(choice.value) }));
      status.textContent = `showing ${choice.selectedOptions[0].textContent}`;
    });
  }
})();
