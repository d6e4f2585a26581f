for (const button of document.querySelectorAll("button.copy")) {
  const label = button.textContent;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const code = button.parentElement.querySelector("code");
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = button.dataset.copied;
    } catch {
      getSelection().selectAllChildren(code);
      button.textContent = button.dataset.byHand;
    }
    setTimeout(() => { button.textContent = label; }, 3000);
  });
}
