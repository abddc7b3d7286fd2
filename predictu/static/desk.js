// Unfold opens some things by a click alone. Here they open with a key, too, and an open sheet keeps the focus.
(() => {
  const FOCUSABLE = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex]:not([tabindex='-1'])";
  const clickable = "a:not([href]), span, div";
  const shown = (element) => element.getClientRects().length > 0;

  const makeButtons = (root) => {
    for (const element of root.querySelectorAll(clickable)) {
      if (!element.hasAttribute("x-on:click") || !element.matches(".cursor-pointer, a, span")) continue;
      if (element.matches(FOCUSABLE)) continue;
      element.tabIndex = 0;
      element.setAttribute("role", "button");
      element.addEventListener("keydown", (event) => {
        if (event.target !== element || (event.key !== "Enter" && event.key !== " ")) return;
        event.preventDefault();
        element.click();
      });
    }
  };

  const guard = (sheet) => {
    let before = null;
    sheet.setAttribute("role", "dialog");
    sheet.setAttribute("aria-modal", "true");
    sheet.setAttribute("aria-label", "Filters");
    const inside = () => [...sheet.querySelectorAll(FOCUSABLE)].filter(shown);
    new MutationObserver(() => {
      if (shown(sheet) && before === null) {
        before = document.activeElement;
        inside()[0]?.focus();
      } else if (!shown(sheet) && before !== null) {
        before.focus();
        before = null;
      }
    }).observe(sheet, { attributes: true, attributeFilter: ["style"] });
    sheet.addEventListener("keydown", (event) => {
      const all = inside();
      if (event.key !== "Tab" || !all.length) return;
      const [first, last] = [all[0], all[all.length - 1]];
      if (event.shiftKey ? document.activeElement === first : document.activeElement === last) {
        event.preventDefault();
        (event.shiftKey ? last : first).focus();
      }
    });
  };

  document.addEventListener("DOMContentLoaded", () => {
    makeButtons(document);
    const sheet = document.getElementById("changelist-filter");
    if (sheet) guard(sheet);
  });
})();
